"""Buses over a server: what every transport shares. Only the rooms of single transports import a client library."""
