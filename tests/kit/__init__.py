"""What the test suites in Python share: a tally of checks, programs, processes and connections."""
