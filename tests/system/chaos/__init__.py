"""What buses over a server promise, while servers, connections and consumers are killed.

Short by default; `make chaos` sets CHAOS_FAULTS and lets hundreds of faults strike.
"""
