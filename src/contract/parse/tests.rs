//! What a contract's text means.

mod refused;

use super::*;

fn parse(text: &str) -> Result<Contract, Refusal> {
    Contract::parse(text, "wt.toml", Contract::default())
}

#[test]
fn every_key_is_read() {
    let text = r#"
[rules]
include = ["docs/rules.md", "~/rules.md"]
invariants = ["Keep the API."]
edits = []
protect_tests = true
[[rules.check]]
rule = "No new services."
deny = ["services/*/Cargo.toml"]
[[rules.check]]
rule = "No unsafe code."
forbid = '\bunsafe\b'
paths = ["src/**"]
[[rules.check]]
rule = "No unused dependency."
run = "cargo machete"
timeout = "1m"
[[gate]]
name = "unit"
kind = "lint"
run = "make lint"
when = ["src/**", "!src/gen"]
timeout = "1h30m"
allow_empty = true
[judge]
slots = 2
inputs = ["ci/**", "package.json#scripts"]
max_file = "1GB"
writable = ["~/.npm/", "$CARGO_HOME/registry/"]
confine = "require"
[env]
pass = ["CARGO_HOME"]
fingerprint = ["rustc -V"]
[worktree]
path = "/srv/wt/{repo}"
branch = "agents/{task}"
setup = ["npm ci"]
setup_inputs = ["package-lock.json"]
setup_writable = ["$CARGO_HOME/git/"]
carry = [".env"]
warm = ["node_modules/"]
warm_copy = "skip"
sparse_always = ["docs/api/"]
spare = 2
[scope]
required = true
shared = ["Cargo.lock"]
[plan]
required = true
approve = "auto"
hedges = ["maybe"]
[cage]
writable = ["/srv/cache"]
require = true
agent = "codex"
[ports]
count = 3
from = 4000
[land]
strategy = "squash"
keep = true
each = true
[disk]
budget = "20GB"
reserve = "5%"
[memory]
in_history = false
budget = 300
[agents.other]
rules = "OTHER.md"
"#;
    let contract = parse(text).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&contract).unwrap(), @r#"
    {
      "rules": {
        "invariants": [
          "Keep the API."
        ],
        "edits": [],
        "include": [
          "docs/rules.md",
          "~/rules.md"
        ],
        "protect_tests": true,
        "checks": [
          {
            "rule": "No new services.",
            "held": {
              "deny": {
                "globs": [
                  "services/*/Cargo.toml"
                ]
              }
            }
          },
          {
            "rule": "No unsafe code.",
            "held": {
              "forbid": {
                "pattern": "\\bunsafe\\b",
                "paths": [
                  "src/**"
                ]
              }
            }
          },
          {
            "rule": "No unused dependency.",
            "held": {
              "run": {
                "command": "cargo machete",
                "timeout": 60
              }
            }
          }
        ]
      },
      "gate": [
        {
          "name": "rule:1",
          "kind": "rule",
          "run": "cargo machete",
          "when": null,
          "timeout": 60,
          "allow_empty": false,
          "rule": "No unused dependency."
        },
        {
          "name": "unit",
          "kind": "lint",
          "run": "make lint",
          "when": [
            "src/**",
            "!src/gen"
          ],
          "timeout": 5400,
          "allow_empty": true
        }
      ],
      "judge": {
        "slots": 2,
        "inputs": [
          "**/.gitattributes",
          "**/AGENTS.md",
          "**/CLAUDE.md",
          "**/wt.rules.md",
          ".claude/**",
          ".envrc",
          ".husky/**",
          ".mcp.json",
          "ci/**",
          "package.json#scripts",
          "wt.toml"
        ],
        "max_file": 1000000000,
        "writable": [
          "~/.npm/",
          "$CARGO_HOME/registry/"
        ],
        "confine": "require"
      },
      "env": {
        "pass": [
          "CARGO_HOME"
        ],
        "fingerprint": [
          "rustc -V"
        ]
      },
      "worktree": {
        "path": "/srv/wt/{repo}",
        "branch": "agents/{task}",
        "setup": [
          "npm ci"
        ],
        "setup_inputs": [
          "package-lock.json"
        ],
        "setup_writable": [
          "$CARGO_HOME/git/"
        ],
        "carry": [
          ".env"
        ],
        "warm": [
          "node_modules"
        ],
        "warm_copy": "skip",
        "sparse_always": [
          "docs/api"
        ],
        "spare": 2
      },
      "scope": {
        "required": true,
        "shared": [
          "Cargo.lock"
        ]
      },
      "plan": {
        "required": true,
        "approve": "auto",
        "hedges": [
          "maybe"
        ]
      },
      "cage": {
        "writable": [
          "/srv/cache"
        ],
        "require": true,
        "agent": "codex"
      },
      "ports": {
        "count": 3,
        "from": 4000
      },
      "land": {
        "strategy": "squash",
        "keep": true,
        "each": true
      },
      "disk": {
        "budget": 20000000000,
        "reserve": {
          "percent": 5
        }
      },
      "memory": {
        "in_history": false,
        "budget": 300
      },
      "agents": {
        "other": {
          "rules": "OTHER.md"
        }
      }
    }
    "#);
}

#[test]
fn what_a_file_does_not_say_is_as_detected() {
    let mut detected = Contract::default();
    detected.env.pass = vec!["A".into()];
    detected.env.fingerprint = vec!["a -V".into()];
    detected.worktree.setup = vec!["a".into()];
    detected.worktree.setup_inputs = Some(vec!["a.lock".into()]);
    let parse = |text: &str| Contract::parse(text, "wt.toml", detected.clone()).unwrap();

    assert_eq!(parse(""), detected);
    assert_eq!(
        parse("gate = []\n[env]\npass = []").env.fingerprint,
        detected.env.fingerprint
    );
    assert!(parse("[env]\npass = []").env.pass.is_empty());
    // The detected inputs would hide a change from a set-up that is not the detected one.
    assert_eq!(
        parse("[worktree]\nsetup = ['b']").worktree.setup_inputs,
        None
    );
    assert_eq!(
        parse("[judge]\ninputs = []").judge,
        Contract::default().judge
    );
}

#[test]
fn the_contract_of_the_readme_is_one() {
    let readme = include_str!("../../../README.md");
    let blocks = readme.split("```toml\n").skip(1);
    let blocks: Vec<&str> = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        parse(block).unwrap_or_else(|refusal| panic!("{}: {block}", refusal.message));
    }
}
