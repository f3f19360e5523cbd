//! A stateful stand-in for the forges, for tests and the demo.
