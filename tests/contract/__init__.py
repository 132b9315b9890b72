"""The contract of a bus, as tests: every implementation of IEventBus passes them unchanged.

A file is a paragraph of the contract, a test is a sentence of it. The last line of a test's docstring tells which
change to the code turned it red.
"""
