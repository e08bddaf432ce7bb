//! Every way in which a contract is refused.

use super::parse;

fn refusals(texts: &[&str]) -> String {
    let answer = |text: &&str| {
        let refusal = parse(text).expect_err(text);
        assert!(refusal.code as u8 == 64 && !refusal.message.contains('\n'));
        let hint = refusal
            .hint
            .map(|hint| format!("\n  {hint}"))
            .unwrap_or_default();
        format!("{}{hint}", refusal.message)
    };
    texts.iter().map(answer).collect::<Vec<_>>().join("\n")
}

#[test]
fn keys_and_types_are_refused_with_line_and_nearest_key() {
    let step = "[[gate]]\nname = 'a'\nkind = 'test'\nrun = 'true'\n";
    insta::assert_snapshot!(refusals(&[
        "\n[rule]\nedits = []",
        "[colours]",
        "timeout = '1m'",
        &format!("{step}tiemout = '1m'"),
        &format!("{step}strategy = 'merge'"),
        &format!("{step}run = 'x'"),
        "[gate]\nname = 'a'",
        "gate = [1]",
        "[[rules]]",
        "[rules]\nedits = 'one'",
        "[rules]\nedits = [\n 'one',\n 2,\n]",
        "[scope]\nrequired = 'yes'",
        "[judge]\nslots = '2'",
        "[judge]\nslots = 0",
        "[judge]\nslots = 99999999999999999999",
        "[judge]\nconfine = 'on'",
        "[agents]\nother = 'x'",
        "[agents.other]\nrule = 'x'",
        "[agents.other]",
        "[[gate]]\nkind = 'test'",
        "[judge]\n\nslots = [1,\n",
        "[judge]\nslots 1",
        "[judge]\n[judge]",
    ]), @r#"
    wt.toml:2: unknown key `rule`
      did you mean `rules`?
    wt.toml:1: unknown key `colours`
      known here: rules, gate, judge, env, worktree, scope, plan, cage, ports, land, disk, memory, agents
    wt.toml:1: unknown key `timeout`
      `timeout` belongs in [[gate]]
    wt.toml:5: unknown key `tiemout` in [[gate]]
      did you mean `timeout`?
    wt.toml:5: unknown key `strategy` in [[gate]]
      `strategy` belongs in [land]
    wt.toml:5: not valid TOML: duplicate key `run`
      it stands above already: write both as one
    wt.toml:1: `gate` must be a list of tables, each headed [[gate]], not a table
    wt.toml:1: `gate` must be a list of tables, each headed [[gate]], not the number 1
    wt.toml:1: `rules` must be a table [rules], not a list
    wt.toml:2: `edits` in [rules] must be a list of strings, not a string
    wt.toml:4: `edits` in [rules] must be a list of strings, not the number 2
    wt.toml:2: `required` in [scope] must be true or false, not a string
    wt.toml:2: `slots` in [judge] must be a whole number, not a string
    wt.toml:2: `slots` in [judge] must be 1 or more, not 0
    wt.toml:2: `slots` in [judge] must be a whole number, not the number 99999999999999999999
    wt.toml:2: `confine` in [judge] must be one of auto, require, off, not `on`
      write one of auto, require, off
    wt.toml:2: `other` in [agents] must be a table [agents.other], not a string
    wt.toml:2: unknown key `rule` in [agents.other]
      did you mean `rules`?
    wt.toml:1: `rules` in [agents.other] is missing
      write rules = "…"
    wt.toml:1: `name` in [[gate]] is missing
      write name = "…"
    wt.toml:3: not valid TOML: unclosed array, expected `]`
    wt.toml:2: not valid TOML: key with no value, expected `=`
    wt.toml:2: not valid TOML: duplicate key `judge`
      it stands above already: write both as one
    "#);
}

#[test]
fn values_are_refused_with_what_is_wrong_with_them() {
    let step = |rest: &str| format!("[[gate]]\nname = 'a'\nkind = 'test'\nrun = 'true'\n{rest}");
    insta::assert_snapshot!(refusals(&[
        "[rules]\nedits = ['a']\ninvariants = ['b']",
        "[rules]\ninvariants = ['a', ' ']",
        "[[gate]]\nname = '../a'\nkind = 'test'\nrun = 'true'",
        "[[gate]]\nname = ''\nkind = 'test'\nrun = 'true'",
        "[[gate]]\nname = 'a'\nkind = 'tests'\nrun = 'true'",
        "[[gate]]\nname = 'a'\nkind = 'test'\nrun = ''",
        &step(&step("").replace("'a'", "'A'")),
        &step("timeout = '10 minutes'"),
        &step("timeout = 600"),
        &step("when = ['src/[']"),
        &step("when = ['!src']"),
        &step("when = []"),
        "[judge]\nmax_file = '100'",
        "[judge]\ninputs = ['Makefile#test']",
        "[judge]\ninputs = ['package.json#']",
        "[env]\npass = ['A=B']",
        "[env]\npass = ['GIT_DIR']",
        "[worktree]\nbranch = 'wt'",
        "[worktree]\nbranch = 'wt/{name}/{task}'",
        "[worktree]\npath = 'trees'",
        "[worktree]\npath = '../{repo}/trees'",
        "[worktree]\ncarry = ['../.env']",
        "[worktree]\nwarm = ['.wt']",
        "[worktree]\nwarm = ['.claude/cache']",
        "[worktree]\nwarm = ['.']",
        "[scope]\nshared = ['/Cargo.lock']",
        "[land]\nstrategy = 'sqash'",
        "[agents.other]\nrules = '/etc/x'",
    ]), @r#"
    wt.toml:2: `edits` is out of order in [rules]: `invariants` comes first
      rules apply in the order in which they stand: swap the two
    wt.toml:2: `invariants` in [rules] is empty
    wt.toml:2: `name` in [[gate]] is not a safe file name: `../a`
      use letters, digits, `.`, `_` and `-`, beginning with a letter, a digit or `_`
    wt.toml:2: `name` in [[gate]] is empty
    wt.toml:3: `kind` in [[gate]] must be one of test, build, lint, check, not `tests`
      did you mean `test`?
    wt.toml:4: `run` in [[gate]] is empty
    wt.toml:6: `name` in [[gate]] is already the name of another step: `A`
    wt.toml:5: `timeout` in [[gate]] is not a duration: `10 minutes`
      write numbers with units, such as "90s", "10m" or "1h30m"
    wt.toml:5: `timeout` in [[gate]] must be a string in quotes, not the number 600
    wt.toml:5: `when` in [[gate]] holds a bad glob: glob 'src/[' has a '[' without its ']'
      write '\[' for a bracket that stands for itself
    wt.toml:5: `when` in [[gate]] names nothing: the step would never run
      leave it out to run the step always
    wt.toml:5: `when` in [[gate]] names nothing: the step would never run
      leave it out to run the step always
    wt.toml:2: `max_file` in [judge] is not a size: `100`
      write a number with a unit, such as "100MB" or "512KiB"
    wt.toml:2: `inputs` in [judge] holds `Makefile#test`: only .toml, .json, .cfg and .ini files have parts
      name the whole file instead
    wt.toml:2: `inputs` in [judge] holds `package.json#`: the key after `#` is empty
    wt.toml:2: `pass` in [env] is not the name of a variable: `A=B`
    wt.toml:2: `pass` in [env] holds `GIT_DIR`: no `GIT_` variable reaches a step
      such a variable can point git at another repository
    wt.toml:2: `branch` in [worktree] has no `{task}`: `wt`
      every task needs a branch of its own, such as "wt/{task}"
    wt.toml:2: `branch` in [worktree] holds an unknown placeholder `{name}`
      known here: `{task}`
    wt.toml:2: `path` in [worktree] lies inside the repository: `trees`
      worktrees stand beside the repository, such as in "../{repo}.wt"
    wt.toml:2: `path` in [worktree] lies inside the repository: `../{repo}/trees`
      worktrees stand beside the repository, such as in "../{repo}.wt"
    wt.toml:2: `carry` in [worktree] leaves the worktree: `../.env`
      write a path from the repository's root
    wt.toml:2: `warm` in [worktree] holds a folder in which wt writes a task's rules: `.wt`
      leave it out; single files come along by `carry`
    wt.toml:2: `warm` in [worktree] holds a folder in which wt writes a task's rules: `.claude/cache`
      leave it out; single files come along by `carry`
    wt.toml:2: `warm` in [worktree] names the whole worktree: `.`
      name the folders that tools fill, such as "target"
    wt.toml:2: `shared` in [scope] holds a bad glob: glob '/Cargo.lock' is absolute
      globs name paths from the repository's root, as in 'src/**'
    wt.toml:2: `strategy` in [land] must be one of merge, squash, rebase, not `sqash`
      did you mean `squash`?
    wt.toml:2: `rules` in [agents.other] leaves the worktree: `/etc/x`
      write a path from the repository's root
    "#);
}

#[test]
fn checks_of_rules_are_refused_with_what_is_wrong() {
    let checks = |body: &str| format!("[[rules.check]]\nrule = \"x\"\n{body}\n");
    let texts = [
        checks(""),
        checks("deny = [\"a\"]\nrun = \"b\""),
        checks("forbid = \"(\""),
        checks("forbid = \"a{1000}{1000}\""),
        checks("deny = [\"!a\"]"),
        checks("deny = [\"a\"]\npaths = [\"b\"]"),
        checks("deny = [\"a\"]\ntimeout = \"1m\""),
        checks("dney = [\"a\"]"),
        "[[rules.check]]\ndeny = [\"a\"]".to_owned(),
        "[rules]\ncheck = 1".to_owned(),
        "[rules]\ninclude = [\"../x\", \"~/\"]".to_owned(),
        "[rules]\ninclude = [\"/etc/../x\"]".to_owned(),
    ];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    insta::assert_snapshot!(refusals(&texts), @r#"
    wt.toml:2: `rule` in [[rules.check]] is held by nothing: `deny`, `forbid` and `run` are missing
      write one of the three; a rule without a check belongs in `invariants`
    wt.toml:2: `rule` in [[rules.check]] is held by more than one of `deny`, `forbid` and `run`
      write a [[rules.check]] for each
    wt.toml:3: `forbid` in [[rules.check]] is no regular expression: error: unclosed group
      in TOML, write it between single quotes: '\bunsafe\b'
    wt.toml:3: `forbid` in [[rules.check]] holds a regular expression that is too large
      repeat less in it, or write a [[rules.check]] for each part
    wt.toml:3: `deny` in [[rules.check]] names nothing: no file would ever match
      name what may not be added
    wt.toml:4: `paths` in [[rules.check]] belongs to `forbid`
      remove it
    wt.toml:4: `timeout` in [[rules.check]] belongs to `run`
      remove it
    wt.toml:3: unknown key `dney` in [[rules.check]]
      did you mean `deny`?
    wt.toml:1: `rule` in [[rules.check]] is missing
      write rule = "…"
    wt.toml:2: `check` in [rules] must be a list of tables, each headed [[rules.check]], not the number 1
    wt.toml:2: `include` in [rules] leaves the worktree: `../x`
      write a path from the repository's root
    wt.toml:2: `include` in [rules] names no file: `/etc/../x`
      write the path of a file, such as "~/.config/wt/rules.md"
    "#);
}
