//! Decide, admit, reap, publish; the API and the git gate.
