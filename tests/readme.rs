//! What README.md shows is what the binary prints, and what its tables list is what there is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeSet;
use std::process::Command;

use usher::http::kind::Kind;

const README: &str = include_str!("../README.md");

/// The block that follows the first mention of `command`, without its fences.
fn output_of(command: &str) -> &'static str {
    let after = README.split_once(&format!("{command}\n```\n")).unwrap().1;
    after.split("```text\n").nth(1).unwrap().split("\n```").next().unwrap()
}

fn run(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    let output = command.args(arguments).env("NO_COLOR", "1").current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What differs from run to run: times, ports and the name of a temporary folder.
fn masked(text: &str) -> String {
    let words = text.trim().split('\n').map(|line| {
        let word = |word: &str| match word {
            _ if word.starts_with("http://127.0.0.1:") => {
                word.trim_start_matches("http://127.0.0.1:").trim_start_matches(|c: char| c.is_ascii_digit()).to_owned()
            }
            _ if word.starts_with("/tmp/") => "FOLDER".to_owned(),
            _ if word.bytes().all(|byte| byte.is_ascii_digit()) => "N".to_owned(),
            _ => word.to_owned(),
        };
        line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
    });
    words.collect::<Vec<_>>().join("\n")
}

#[test]
fn dev_prints_what_the_readme_shows() {
    let ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"];
    let printed = run(&[&["dev", "--once"][..], &ports].concat());
    assert_eq!(masked(&printed), masked(output_of("-- dev --once")));
}

#[test]
fn check_prints_what_the_readme_shows() {
    assert_eq!(run(&["check", "config/usher.yaml"]).trim(), output_of("-- check config/usher.yaml"));
}

#[test]
fn the_problems_of_the_readme_are_those_of_the_code() {
    let row = |kind: &Kind| {
        let retry_after = if kind.passes() { "yes" } else { "no" };
        let (status, slug, title) = (kind.status().as_u16(), kind.slug(), kind.title());
        format!("| {status} | `urn:usher:problem:{slug}` | {title} | {retry_after} |")
    };
    let code: BTreeSet<String> = Kind::ALL.iter().map(row).collect();
    let readme: BTreeSet<String> =
        README.lines().filter(|line| line.contains("urn:usher:")).map(str::to_owned).collect();
    assert_eq!(readme, code);
    assert_eq!(code.len(), Kind::ALL.len());
    assert!(Kind::ALL.is_sorted_by_key(|kind| kind.status()), "the order of the list is that of the table");
}

#[test]
fn the_variables_of_the_readme_are_those_of_the_example() {
    let example = include_str!("../config/example.env");
    let settings = example.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let names: BTreeSet<_> = settings.map(|(name, _)| name).collect();
    let first_cell = |line: &'static str| line.strip_prefix("| `")?.split('`').next();
    let is_variable = |name: &&str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let readme: BTreeSet<_> = README.lines().filter_map(first_cell).filter(is_variable).collect();
    assert_eq!(readme, names);
}
