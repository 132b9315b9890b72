"""A naive model of a bus: no threads, no tasks, no wake-ups; what the contract says, written down plainly.

Every handler is suspended with one event until it is told to end, so that nothing happens between two steps.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Item = tuple[int, str]
"""An event: its number and its symbol, which stands for its topic."""


@dataclass(eq=False)
class Subscription:
    """What a subscription has and has counted."""

    symbols: frozenset[str]
    capacity: int
    overflow: str
    queue: deque[Item] = field(default_factory=deque)
    busy: int | None = None
    ending: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    high_water: int = 0

    def has_in_place(self, symbol: str) -> bool:
        """Whether an event of this symbol would only take the place of another."""
        return self.overflow == "conflate" and any(waiting == symbol for _, waiting in self.queue)

    def verdict(self, symbol: str, capacity: int) -> str:
        """What becomes of one more event: "take", "wait" or "refuse"."""
        if len(self.queue) < capacity or self.overflow.startswith("drop") or self.has_in_place(symbol):
            return "take"
        return "refuse" if self.overflow == "raise" else "wait"

    def push(self, item: Item, *, urgent: bool) -> None:
        """Takes an event, dropping one if that is the policy."""
        self.counts["accepted"] += 1
        if self.has_in_place(item[1]):
            self.counts["conflate"] += 1
            place = next(place for place, (_, symbol) in enumerate(self.queue) if symbol == item[1])
            self.queue[place] = item
            return
        if len(self.queue) >= self.capacity and self.overflow.startswith("drop"):
            self.counts[self.overflow] += 1
            if self.overflow == "drop_newest":
                return
            self.queue.popleft()
        elif len(self.queue) >= self.capacity and urgent:
            self.counts["over_capacity"] += 1
        self.queue.append(item)
        self.high_water = max(self.high_water, len(self.queue))


@dataclass(eq=False)
class Publisher:
    """One who waits in the line with an event, and the rest of its batch."""

    item: Item
    targets: list[Subscription]
    needs: list[Subscription]
    rest: deque[Item]
    joined_as: frozenset[int] = frozenset()
    outcome: str = "waits"
    published: int = 0


class Bus:
    """The model."""

    def __init__(self) -> None:
        self.subscriptions: list[Subscription] = []
        self.line: list[Publisher] = []
        self.held: list[Subscription] = []
        self.retired: Counter[str] = Counter()
        self.published = 0

    def subscribe(self, symbols: Iterable[str], capacity: int, overflow: str) -> Subscription:
        """Adds a subscription."""
        self.subscriptions.append(Subscription(frozenset(symbols), capacity, overflow))
        return self.subscriptions[-1]

    def publish(self, items: Iterable[Item], *, way: str = "waits") -> Publisher:
        """Publishes events one after the other: `way` is "waits", "nowait" or "urgent"."""
        publisher = Publisher((0, ""), [], [], deque(items))
        self._go_on(publisher, way)
        return publisher

    def finish(self, subscription: Subscription, outcome: str) -> None:
        """The handler has ended: outcome is "handled" or "failed". It goes on with the next event."""
        subscription.counts[outcome] += 1
        subscription.busy = None
        self.take(subscription)

    def take(self, subscription: Subscription) -> None:
        """The handler takes the next event, if there is one."""
        if subscription.queue:
            subscription.busy = subscription.queue.popleft()[0]
            self._walk()
        self._retire(subscription)

    def unsubscribe(self, subscription: Subscription, *, drain: bool) -> None:
        """Ends a subscription; its running handler is let finish."""
        subscription.ending = True
        if not drain:
            subscription.counts["unsubscribed"] += len(subscription.queue)
            subscription.queue.clear()
        for publisher in self.line:
            publisher.needs = [needed for needed in publisher.needs if needed is not subscription]
        self.held = [queue for queue in self.held if queue is not subscription]
        self._retire(subscription)
        self._walk()

    def cancel(self, publisher: Publisher) -> None:
        """A publisher gives up."""
        if publisher is self.line[0]:
            self.held = []
        self.line.remove(publisher)
        publisher.outcome = "cancelled"
        self._walk()

    def _retire(self, subscription: Subscription) -> None:
        if subscription.ending and not subscription.queue and subscription.busy is None:
            self.subscriptions.remove(subscription)
            self.retired += subscription.counts

    def _go_on(self, publisher: Publisher, way: str = "waits") -> None:
        while publisher.rest:
            publisher.item = publisher.rest.popleft()
            publisher.outcome = self._offer(publisher, way)
            if publisher.outcome != "taken":
                return
            publisher.published += 1

    def _offer(self, publisher: Publisher, way: str) -> str:
        _, symbol = publisher.item
        hearing = [s for s in self.subscriptions if symbol in s.symbols and not s.ending]
        factor = 2 if way == "urgent" else 1
        verdicts = {s.verdict(symbol, s.capacity * factor if s.overflow != "raise" else s.capacity) for s in hearing}
        needs = [s for s in hearing if s.overflow in {"block", "conflate"} and not s.has_in_place(symbol)]
        publisher.targets, publisher.needs = hearing, needs
        publisher.joined_as = frozenset(map(id, needs))
        if "refuse" in verdicts or ("wait" in verdicts and way != "waits"):
            return "full"
        if "wait" in verdicts:
            self.line.append(publisher)
            self._look_around()
            return "waits"
        self._accept(publisher, urgent=way == "urgent")
        return "taken"

    def _accept(self, publisher: Publisher, *, urgent: bool = False) -> None:
        for subscription in publisher.targets:
            if not subscription.ending:
                subscription.push(publisher.item, urgent=urgent)
        self.published += 1

    def _look_around(self) -> None:
        """The first in line keeps what it has seen free."""
        if self.line:
            _, symbol = self.line[0].item
            free = [s for s in self.line[0].needs if s.verdict(symbol, s.capacity) == "take" and s not in self.held]
            self.held += free

    def _can_come(self) -> Iterator[Publisher]:
        """Those in line who could come now, in order."""
        for publisher in self.line:
            held = self.held if publisher is self.line[0] else []
            _, symbol = publisher.item
            if all(s in held or s.verdict(symbol, s.capacity) == "take" for s in publisher.needs):
                yield publisher

    def _walk(self) -> None:
        """Room has appeared: the line is walked in order."""
        self._look_around()
        while (publisher := next(self._can_come(), None)) is not None:
            if publisher is self.line[0]:
                self.held = []
            self.line.remove(publisher)
            refusing = [s for s in publisher.targets if s.overflow == "raise" and not s.ending]
            if any(s.verdict(publisher.item[1], s.capacity) == "refuse" for s in refusing):
                publisher.outcome = "full"
            else:
                publisher.outcome = "taken"
                self._accept(publisher)
                publisher.published += 1
                self._go_on(publisher)
            self._look_around()
