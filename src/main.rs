fn main() -> std::process::ExitCode {
    wt::run()
}
