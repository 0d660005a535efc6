"""`python -m pipelines.cli` is `mendery`."""

from pipelines.cli import main

if __name__ == "__main__":
    main()
