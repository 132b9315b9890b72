"""What an InfluxEventWriter is made of: points in line protocol, their places in time, and a thread that sends them."""
