//! What is said of expressions that do not compile, name nothing or could cost too much.
//! Knows nothing of senders.

use insta::assert_snapshot;

use super::told_of;

/// All that is said about one expression in `when`.
fn told_of_when(expressions: &[&str]) -> String {
    let rule = |(index, expression): (usize, &&str)| {
        format!(
            "  - name: r{index}\n    on: plan.x\n    when: {expression}\n    revoke: {{ organization: data.o, user: data.u }}\n"
        )
    };
    told_of(&expressions.iter().enumerate().map(rule).collect::<String>())
}

#[test]
fn expressions_that_do_not_compile() {
    assert_snapshot!(told_of_when(&[
        "data.plan ==",
        "'data.plan = ''team'''",
        "\"data.plan == \\\"team\\\" oder data.x\"",
        "|\n      data.plan == 'é' &&\n        data.price => 5",
        "data.plan[",
        "if",
    ]));
}

#[test]
fn names_and_functions_that_do_not_exist() {
    assert_snapshot!(told_of_when(&[
        "date.plan == 'team'",
        "role_of_plans['team'] == team",
        "item.x == 1",
        "data.plan.startWith('a')",
        "data.plan.size(1) == 2",
        "data.has('x')",
        "uint(data.x) == 1u",
        "env.HOME == ''",
        "'Event{a: 1} == data'",
        ">\n      data.list.exists(e, e == f)\n      || data.é",
    ]));
}

#[test]
fn expressions_that_could_cost_too_much() {
    let long = format!("data.x == '{}'", "x".repeat(1024));
    let towers = format!("{}1{}", "(".repeat(30), ")".repeat(30));
    let chain = format!("1{} == 1", " + 1".repeat(40));
    let nodes = vec!["data.x in [1, 2, 3, 4, 5, 6]"; 30].join(" || ");
    let pattern = format!("data.x.matches('{}')", "a".repeat(300));
    assert_snapshot!(told_of_when(&[
        &long,
        &towers,
        &chain,
        &nodes,
        &pattern,
        "data.a.all(x, data.b.exists(y, x == y))",
        "data.x.matches(data.y)",
        "data.x.matches('(')",
        "data.x.matches('((a{99}){99}){99}')",
    ]));
}
