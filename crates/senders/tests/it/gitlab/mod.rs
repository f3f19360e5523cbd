mod parse;
mod payloads;
mod verify;
