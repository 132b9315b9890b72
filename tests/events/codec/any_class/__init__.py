"""Event classes made at random, as users may write them, and the rule that holds for their events: kept or refused."""
