mod mapping;
mod verify;
