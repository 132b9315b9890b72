"""A naive model of a bus: no threads, no tasks, no wake-ups; what the contract says, written down plainly.

Every handler is suspended with one event until it is told to end, so that nothing happens between two steps.
"""

from collections import Counter, deque
from collections.abc import Iterable
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
    promised: int = 0
    busy: int | None = None
    ending: bool = False
    draining: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    high_water: int = 0

    def has_in_place(self, symbol: str) -> bool:
        """Whether an event of this symbol would only take the place of another."""
        return self.overflow == "conflate" and any(waiting == symbol for _, waiting in self.queue)

    def verdict(self, symbol: str, capacity: int) -> str:
        """What becomes of one more event: "take", "wait" or "refuse"."""
        if len(self.queue) + self.promised < capacity or self.overflow.startswith("drop") or self.has_in_place(symbol):
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
    """One who waits in the line with an event, and the rest of its batch.

    It waits for the queues it `needs`, which are those it `wanted` when it came, less those that are gone. In some of
    them its event would only replace another; in the others it takes `places`.
    """

    item: Item
    targets: list[Subscription]
    needs: list[Subscription]
    rest: deque[Item]
    wanted: list[Subscription] = field(default_factory=list)
    places: frozenset[Subscription] = frozenset()
    outcome: str = "waits"
    published: int = 0
    by: Subscription | None = None

    def reaches(self, subscription: Subscription) -> bool:
        """Whether a subscription hears it: one that drains hears its own handler alone."""
        return not subscription.ending or (subscription.draining and subscription is self.by)


class Bus:
    """The model."""

    def __init__(self) -> None:
        self.subscriptions: list[Subscription] = []
        self.line: list[Publisher] = []
        self.held: list[Subscription] = []
        self.called: deque[Publisher] = deque()
        self._retired: Counter[str] = Counter()
        self.heard = 0
        self.is_closing = False

    @property
    def retired(self) -> Counter[str]:
        """The counts of all subscriptions that have ended, but perhaps for what is in their handlers."""
        leaving = [s.counts for s in self.subscriptions if s.ending and not s.queue]
        return sum(leaving, start=Counter(self._retired))

    def subscribe(self, symbols: Iterable[str], capacity: int, overflow: str) -> Subscription:
        """Adds a subscription."""
        self.subscriptions.append(Subscription(frozenset(symbols), capacity, overflow))
        return self.subscriptions[-1]

    def publish(self, items: Iterable[Item], *, way: str = "waits", by: Subscription | None = None) -> Publisher:
        """Publishes events one after the other: `way` is "waits", "nowait", or in a handler "urgent", `by` its own."""
        publisher = Publisher((0, ""), [], [], deque(items), by=by)
        self._go_on(publisher, way)
        self._walk()
        self._let_in()
        for subscription in [idle for idle in self.subscriptions if idle.busy is None]:
            self.take(subscription)
        return publisher

    def close(self) -> None:
        """Hears only handlers from now on; whoever waits is sent away."""
        self.is_closing = True
        for publisher in self.line:
            publisher.outcome = "closed"
        self.line, self.held = [], []

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
            self._let_in()
        self._retire(subscription)

    def unsubscribe(self, subscription: Subscription, *, drain: bool) -> None:
        """Ends a subscription; its running handler is let finish."""
        subscription.draining = drain and (subscription.draining or not subscription.ending)
        subscription.ending = True
        if not drain:
            subscription.counts["unsubscribed"] += len(subscription.queue)
            subscription.queue.clear()
        for publisher in self.line:
            publisher.needs = [needed for needed in publisher.needs if needed is not subscription]
            publisher.wanted = publisher.needs
            publisher.places -= {subscription}
        self.held = [queue for queue in self.held if queue is not subscription]
        self._walk()
        self._let_in()
        self._retire(subscription)

    def cancel(self, publisher: Publisher) -> None:
        """A publisher gives up."""
        was_first = publisher is self.line[0]
        self.line.remove(publisher)
        publisher.outcome = "cancelled"
        if was_first:
            self.held = []
        self._walk()
        self._let_in()

    def _retire(self, subscription: Subscription) -> None:
        if subscription.ending and not subscription.queue and subscription.busy is None:
            self.subscriptions.remove(subscription)
            self._retired += subscription.counts

    def _go_on(self, publisher: Publisher, way: str = "waits") -> None:
        while publisher.rest:
            publisher.item = publisher.rest.popleft()
            publisher.outcome = self._offer(publisher, way)
            if publisher.outcome != "taken":
                return
            publisher.published += 1

    def _offer(self, publisher: Publisher, way: str) -> str:
        _, symbol = publisher.item
        if self.is_closing and publisher.by is None:
            return "closed"
        hearing = [s for s in self.subscriptions if symbol in s.symbols and publisher.reaches(s)]
        factor = 2 if way == "urgent" else 1
        verdicts = {s.verdict(symbol, s.capacity * factor if s.overflow != "raise" else s.capacity) for s in hearing}
        needs = [s for s in hearing if s.overflow in {"block", "conflate"}]
        places = frozenset(s for s in needs if not s.has_in_place(symbol))
        before = [(other.wanted, other.places) for other in [*self.line, *self.called]]
        is_behind = bool(places) and (needs, places) in before
        publisher.targets, publisher.needs, publisher.wanted, publisher.places = hearing, needs, needs, places
        if "refuse" in verdicts or ("wait" in verdicts and way != "waits"):
            return "full"
        if "wait" in verdicts or (is_behind and way == "waits"):
            self.line.append(publisher)
            return "waits"
        self._accept(publisher, urgent=way == "urgent")
        return "taken"

    def _accept(self, publisher: Publisher, *, urgent: bool = False) -> None:
        standing = [subscription for subscription in publisher.targets if publisher.reaches(subscription)]
        for subscription in standing:
            subscription.push(publisher.item, urgent=urgent)
        self.heard += bool(standing)

    def _can_come(self, publisher: Publisher) -> bool:
        held = self.held if publisher is self.line[0] else []
        return all(queue in held or has_room(queue, publisher) for queue in publisher.needs)

    def _walk(self) -> None:
        """Calls whoever can come, in order; nobody who could is left."""
        while (publisher := self._next()) is not None:
            self._call(publisher)

    def _next(self) -> Publisher | None:
        passed_over: list[object] = []
        for publisher in self.line:
            if publisher is self.line[0]:
                self.held += [s for s in publisher.needs if s not in self.held and has_room(s, publisher)]
            alike = (publisher.wanted, publisher.places)
            if self._can_come(publisher) and alike not in passed_over:
                return publisher
            passed_over.append(alike)
        return None

    def _call(self, publisher: Publisher) -> None:
        """Promises a publisher its places."""
        was_first = publisher is self.line[0]
        self.line.remove(publisher)
        for queue in publisher.needs:
            queue.promised += 1
        self.called.append(publisher)
        if was_first:
            self.held = []

    def _let_in(self) -> None:
        """Those who have been called come for their places, in order."""
        while self.called:
            publisher = self.called.popleft()
            for queue in publisher.needs:
                queue.promised -= 1
            refusing = [s for s in publisher.targets if s.overflow == "raise" and not s.ending]
            publisher.outcome = "taken" if all(has_room(queue, publisher) for queue in refusing) else "full"
            if publisher.outcome == "taken":
                self._accept(publisher)
                publisher.published += 1
            self._walk()
            if publisher.outcome == "taken":
                self._go_on(publisher)


def has_room(queue: Subscription, publisher: Publisher) -> bool:
    """Whether a queue would take a publisher's event without its waiting."""
    return queue.verdict(publisher.item[1], queue.capacity) == "take"
