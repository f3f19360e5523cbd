//! The walls of the workspace and the rules of the house, read from the source itself.
//!
//! Each checker takes its input as an argument, so that a made-up violation shows that it finds one.

#[cfg(test)]
mod arrows;
#[cfg(test)]
mod house;
