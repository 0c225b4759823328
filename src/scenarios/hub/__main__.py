"""`python -m scenarios.hub`: the hub, configured on standard input."""

from scenarios.hub.process import main

if __name__ == "__main__":
    main()
