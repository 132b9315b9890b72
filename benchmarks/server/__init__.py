"""What a bus over a server costs, beside redis-py alone: publisher and consumer in processes of their own."""
