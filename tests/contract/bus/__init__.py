"""The contract of a bus, as tests: every implementation of IEventBus passes them unchanged.

A folder is a chapter of the contract, a file is a paragraph of it, a test is a sentence. The last line of a test's
docstring tells which change to the code turned it red.
"""
