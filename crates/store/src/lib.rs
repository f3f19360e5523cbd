//! The only home of SQL for runs, decisions and intents.
