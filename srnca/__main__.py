"""`python -m srnca` is the command line."""

import sys

from srnca.cli.app import main

sys.exit(main())
