"""The parts of InfluxEventWriter: points in line protocol, their times, and the connection to a server."""
