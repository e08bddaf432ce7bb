//! What vouches for the landings on main.

use serde_json::Value;

use crate::sandbox::Sandbox;

/// The number of landings on main. Each has a stored receipt: of its very tree, or, for one that was judged together
/// with those that landed on top of it at once, of the last of these.
pub(crate) fn landings(sandbox: &Sandbox) -> usize {
    let format = "--format=%H %T %(trailers:key=Wt-Receipt,valueonly,separator=)";
    let log = sandbox.git(&["log", "--first-parent", format, "main"]);
    let mut count = 0;
    // The receipt of the train that the commit above belongs to.
    let mut above: Option<&str> = None;
    for line in log.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [commit, tree, receipt] = words[..] else {
            above = None;
            continue;
        };
        if above != Some(receipt) {
            let file = sandbox.state().join(format!("receipts/{receipt}.json"));
            let stored: Value = serde_json::from_str(&sandbox.read(file)).expect("a receipt");
            assert_eq!(stored["tree"], tree, "the receipt of {commit}");
        }
        above = Some(receipt);
        count += 1;
    }
    count
}
