//! The binary: parse, run, exit code.

fn main() -> std::process::ExitCode {
    usher::cli::run()
}
