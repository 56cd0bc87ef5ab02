//! A process of the binary: what it prints, its signals, its end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::eventually;

/// A child process that is killed with its owner; its stderr is read line by line.
pub struct Process {
    pub child: Child,
    lines: Receiver<String>,
    pub seen: Vec<String>,
}

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = mpsc::channel();
        let stdout: Box<dyn Read + Send> = Box::new(child.stdout.take().unwrap());
        let stderr: Box<dyn Read + Send> = Box::new(child.stderr.take().unwrap());
        for stream in [stdout, stderr] {
            let send = send.clone();
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = send.send(line);
                }
            });
        }
        Self { child, lines, seen: Vec::new() }
    }

    /// The next line that is a JSON object and satisfies `wanted`.
    pub fn json_line(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = self.try_json_line(wanted);
        found.unwrap_or_else(|| panic!("no line with {what}; so far:\n{}", self.seen.join("\n")))
    }

    /// As [`Process::json_line`], of a process that may end without it.
    pub fn try_json_line(&mut self, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).ok()?;
            self.seen.push(line.clone());
            if let Some(value) = serde_json::from_str::<Value>(&line).ok().filter(&wanted) {
                return Some(value);
            }
        }
    }

    /// Everything printed so far.
    pub fn output(&mut self) -> String {
        self.seen.extend(self.lines.try_iter());
        self.seen.join("\n")
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end and gives the exit code.
    pub fn exit_code(&mut self) -> Option<i32> {
        eventually("the end of the process", || self.child.try_wait().unwrap()).code()
    }
}

impl Drop for Process {
    /// A failing test shows what its processes said.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let status = self.child.wait();
        if thread::panicking() {
            self.output();
            println!("{status:?}\n{}", self.seen[self.seen.len().saturating_sub(15)..].join("\n"));
        }
    }
}
