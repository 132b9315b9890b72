"""`python -m trading.events.cli` is `trading-events`."""

import sys

from trading._events_command import main

sys.exit(main())
