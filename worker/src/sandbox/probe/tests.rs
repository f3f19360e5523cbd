use super::*;

/// What a perfect sandbox would answer.
fn perfect() -> Vec<String> {
    let mut lines = Vec::new();
    for line in INSIDE.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next()) {
            (Some("fails"), Some(name)) => lines.push(format!("held {name}")),
            (Some("works"), Some(name)) => lines.push(format!("works {name}")),
            _ => {}
        }
    }
    lines
        .extend(["ipc", "mnt", "net", "pid", "user", "uts"].map(|space| format!("fact {space} {space}:[2]")));
    lines.extend(["fact env HOME", "fact env PROBE_PID", "held syscall_bpf"].map(String::from));
    lines
}

fn verdict(lines: &[String]) -> String {
    match judge(lines, &Exit::Code(0), |space| Some(format!("{space}:[1]").into())) {
        Ok(()) => "fine".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_perfect_sandbox_passes() {
    assert!(perfect().len() > 45);
    assert_eq!(verdict(&perfect()), "fine");
}

#[test]
fn every_single_answer_counts() {
    let lines = perfect();
    for number in 0..lines.len() - 3 {
        let mut without = lines.clone();
        let missing = without.remove(number);
        assert!(verdict(&without).contains("was not answered"), "{missing}");

        let mut changed = lines.clone();
        changed[number] = match missing.split_once(' ') {
            Some(("held", name)) => format!("LEAKS {name}"),
            Some(("works", name)) => format!("BROKEN {name}"),
            Some((_, fact)) => format!("fact {}", fact.replace("[2]", "[1]")),
            None => unreachable!("{missing}"),
        };
        assert_ne!(verdict(&changed), "fine", "{missing}");
    }
}

#[test]
fn a_variable_of_the_worker_and_a_call_that_succeeds_are_leaks() {
    for line in ["fact env GITHUB_TOKEN", "LEAKS syscall_ptrace"] {
        let mut lines = perfect();
        lines.push(line.to_owned());
        assert!(verdict(&lines).starts_with("the sandbox leaks"), "{line}");
    }
    assert!(verdict(&[]).contains("was not answered"));
}
