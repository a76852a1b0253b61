"""Makes `python -m healthmon` the same as `healthmon`."""

from healthmon.cli.main import main

if __name__ == "__main__":
    main()
