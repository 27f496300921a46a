"""`python -m frankenpanel_gateway` runs the agent."""

from frankenpanel_gateway.main import main

if __name__ == "__main__":
    main()
