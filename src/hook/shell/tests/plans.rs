//! What an agent hands in: a plan, and what is said for a note.

use super::check;

#[test]
fn a_plan_is_handed_in_from_a_folder_for_a_task() {
    check("wt plan submit auth --file x", &["plan of auth in ''"]);
    check(
        "cd ../t && git wt plan amend --because 'x y' < p",
        &["plan of  in '../t'"],
    );
    check("wt -C ../t plan submit u < p", &["plan of u in '../t'"]);
    check(
        "wt plan submit --file x && wt plan show t && wt plan submit --help",
        &[],
    );
    check("wt note add --task u 'so --task=t'", &["plan of u in ''"]);
    check("wt note add x --task=u", &["plan of u in ''"]);
    check(
        "cd ../t && wt note add x --path '--task'",
        &["plan of  in '../t'"],
    );
    check("wt note add --gotcha x && wt note show t", &[]);
    check(
        "wt memory rebuild --target wt/t",
        &["no: wt memory rebuild is the operator's"],
    );
}
