//! The sandbox with the real bubblewrap: what hostile commands cannot do.
//!
//! Without `bwrap` these tests fail; `PULLWRIGHT_SKIP_SANDBOX=1` skips them, for runners that
//! report the skipped group themselves.

#[cfg(test)]
mod ends;
#[cfg(test)]
mod escapes;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod room;
#[cfg(test)]
mod setup;
