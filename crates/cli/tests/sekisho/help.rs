use super::{run, sekisho};

#[test]
fn every_command_teaches_by_example() {
    for command in [
        &["up"][..],
        &["demo"],
        &["check"],
        &["schema"],
        &["explain"],
        &["test"],
        &["diff"],
        &["token"],
        &["token", "mint"],
        &["token", "inspect"],
        &["completions"],
    ] {
        let out = run(&[command, &["--help"]].concat()).succeeded();
        assert!(
            out.contains("Examples:") || out.contains("A request is JSON:"),
            "{command:?}: {out}"
        );
        assert!(out.contains(&format!("sekisho {}", command.join(" "))), "{command:?}: {out}");
        assert!(
            out.lines().all(|line| line.starts_with("Usage:") || line.chars().count() <= 100),
            "{command:?}: {out}"
        );
    }
    let out = run(&["up", "--help"]).succeeded();
    assert!(out.contains("Checks the policy") && out.contains("SIGHUP"), "{out}");
    let out = run(&["--help"]).succeeded();
    assert!(out.contains("Exit codes:") && out.contains("sekisho demo"), "{out}");
}

#[test]
fn a_wrong_command_line_is_2_and_suggests() {
    run(&["chekc"]).failed(2, &["check"]);
    run(&[]).failed(2, &["Usage:"]);
    run(&["up", "--tls-cert", "a.pem"]).failed(2, &["--tls-key"]);
    run(&["up", "--listen", "here"]).failed(2, &["--listen"]);
    run(&["--color", "sometimes", "check", "."]).failed(2, &["auto"]);
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let out = run(&["completions", shell]).succeeded();
        assert!(out.contains("explain") && out.contains("keygen"), "{shell}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = sekisho()
        .args(["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
