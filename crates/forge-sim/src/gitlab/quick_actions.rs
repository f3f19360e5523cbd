//! Lines that are commands, not text (<https://docs.gitlab.com/user/project/quick_actions/>).

use super::model::Item;

/// Carries out the commands of a text and returns what is left of it. Carriage returns go first,
/// and a command begins at the very start of a line. Code blocks are not spared here, so that
/// whoever relies on them is found out.
pub(super) fn carry_out(item: &mut Item, text: &str) -> String {
    let text = text.replace('\r', "");
    let mut left = Vec::new();
    for line in text.split('\n') {
        let command = line.strip_prefix('/').filter(|c| c.starts_with(|c: char| c.is_ascii_lowercase()));
        match command {
            Some(command) => {
                match command.split(' ').next() {
                    Some("close") => item.state = "closed".to_owned(),
                    Some("reopen") => item.state = "opened".to_owned(),
                    _ => {}
                }
                item.commands.push(command.to_owned());
            }
            None => left.push(line),
        }
    }
    left.join("\n")
}
