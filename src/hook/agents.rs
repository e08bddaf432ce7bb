//! The table of the agents: the names of their events and tools, and where their settings lie.

/// What is to be known of one agent program.
pub(crate) struct Agent {
    /// The word for it on `wt`'s command line.
    pub(crate) name: &'static str,
    /// The names that its program goes by.
    pub(crate) programs: &'static [&'static str],
    /// The name that its makers give it.
    pub(crate) title: &'static str,
    /// Its event before a tool is used.
    pub(crate) before_tool: &'static str,
    /// Its event when a session begins.
    pub(crate) start: &'static str,
    /// Its event when it is about to end its turn.
    pub(crate) stop: &'static str,
    /// The tools that write files, each with the keys of its input under which a path may stand.
    pub(crate) file_tools: &'static [(&'static str, &'static [&'static str])],
    /// The tool whose input is a patch, with the key under which it stands.
    pub(crate) patch_tool: Option<(&'static str, &'static str)>,
    /// The tool that runs shell commands, which stand under `command`.
    pub(crate) shell_tool: &'static str,
    /// The tools that go to a worktree of the agent's own making: always, or where this stands under this key.
    pub(crate) worktree_tools: &'static [(&'static str, Option<(&'static str, &'static str)>)],
    pub(crate) answer: Answer,
    pub(crate) layout: Layout,
    /// The folder of its own state: the variable that names it, and its name in the home folder otherwise.
    pub(crate) home: (Option<&'static str>, &'static str),
    /// The file in that folder in which its hooks are set.
    pub(crate) user_settings: &'static str,
    /// More files there which an agent must not write: they say which hooks run.
    pub(crate) guarded: &'static [&'static str],
    /// The file in a checkout in which hooks are set.
    pub(crate) project_settings: &'static str,
    /// The variable in which it tells its hooks where its session was begun.
    pub(crate) project_variable: Option<&'static str>,
}

/// How an agent is told no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// By exit status 2, the reason on standard error.
    Status,
    /// By an object of its own on standard output.
    Object,
}

/// How an agent's settings list hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Under each event, groups of a matcher and its hooks.
    Groups,
    /// Under each event the hooks themselves, in a file that names its version.
    Plain,
}

/// The agents that `wt hook` speaks with. Another that speaks as one of these does is an entry more.
pub(crate) const AGENTS: [Agent; 4] = [
    Agent {
        name: "claude",
        programs: &["claude"],
        title: "Claude Code",
        before_tool: "PreToolUse",
        start: "SessionStart",
        stop: "Stop",
        file_tools: &[
            ("Write", &["file_path"]),
            ("Edit", &["file_path"]),
            ("MultiEdit", &["file_path"]),
            ("NotebookEdit", &["notebook_path"]),
        ],
        patch_tool: None,
        shell_tool: "Bash",
        worktree_tools: &[
            ("EnterWorktree", None),
            ("Agent", Some(("isolation", "worktree"))),
        ],
        answer: Answer::Status,
        layout: Layout::Groups,
        home: (Some("CLAUDE_CONFIG_DIR"), ".claude"),
        user_settings: "settings.json",
        guarded: &["settings.local.json"],
        project_settings: ".claude/settings.local.json",
        project_variable: Some("CLAUDE_PROJECT_DIR"),
    },
    Agent {
        name: "codex",
        programs: &["codex"],
        title: "Codex",
        before_tool: "PreToolUse",
        start: "SessionStart",
        stop: "Stop",
        file_tools: &[],
        patch_tool: Some(("apply_patch", "command")),
        shell_tool: "Bash",
        worktree_tools: &[],
        answer: Answer::Status,
        layout: Layout::Groups,
        home: (Some("CODEX_HOME"), ".codex"),
        user_settings: "hooks.json",
        guarded: &["config.toml"],
        project_settings: ".codex/hooks.json",
        project_variable: None,
    },
    Agent {
        name: "gemini",
        programs: &["gemini"],
        title: "Gemini CLI",
        before_tool: "BeforeTool",
        start: "SessionStart",
        stop: "AfterAgent",
        file_tools: &[("write_file", &["file_path"]), ("replace", &["file_path"])],
        patch_tool: None,
        shell_tool: "run_shell_command",
        worktree_tools: &[],
        answer: Answer::Status,
        layout: Layout::Groups,
        home: (None, ".gemini"),
        user_settings: "settings.json",
        guarded: &[],
        project_settings: ".gemini/settings.json",
        project_variable: Some("GEMINI_PROJECT_DIR"),
    },
    Agent {
        name: "cursor",
        programs: &["cursor-agent", "cursor"],
        title: "Cursor",
        before_tool: "preToolUse",
        start: "sessionStart",
        stop: "stop",
        file_tools: &[
            ("Write", &["file_path", "path"]),
            ("Edit", &["file_path", "path"]),
            ("StrReplace", &["file_path", "path"]),
            ("Delete", &["file_path", "path"]),
        ],
        patch_tool: None,
        shell_tool: "Shell",
        worktree_tools: &[],
        answer: Answer::Object,
        layout: Layout::Plain,
        home: (None, ".cursor"),
        user_settings: "hooks.json",
        guarded: &[],
        project_settings: ".cursor/hooks.json",
        project_variable: Some("CURSOR_PROJECT_DIR"),
    },
];

impl Agent {
    /// The agent of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Agent> {
        AGENTS.iter().find(|agent| agent.name == name)
    }

    /// Whose question a recorded one most likely is.
    pub(crate) fn guess(text: &str) -> &'static Agent {
        let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let field = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
        let event = field("hook_event_name").unwrap_or_default();
        let transcript = field("transcript_path").unwrap_or_default();
        let by_event = |agent: &&Agent| [agent.before_tool, agent.stop].contains(&event);
        let by_home = |agent: &&Agent| transcript.contains(&format!("/{}/", agent.home.1));
        let found = AGENTS
            .iter()
            .find(by_home)
            .or_else(|| AGENTS.iter().find(by_event));
        found.unwrap_or(&AGENTS[0])
    }

    /// The tools that its hook is asked about, as a regular expression.
    pub(crate) fn matcher(&self) -> String {
        let files = self.file_tools.iter().map(|(tool, _)| *tool);
        let patch = self.patch_tool.iter().map(|(tool, _)| *tool);
        let worktrees = self.worktree_tools.iter().map(|(tool, _)| *tool);
        let tools = files.chain(patch).chain([self.shell_tool]);
        let tools: Vec<&str> = tools.chain(worktrees).collect();
        tools.join("|")
    }
}
