"""`python -m trading.events.cli` is `trading-events`."""

import sys

from trading.events.cli import main

sys.exit(main())
