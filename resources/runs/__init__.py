"""The life of runs: started, going on in another way, and ending."""
