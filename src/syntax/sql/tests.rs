//! What the grammar of SQL finds, what it lets be, and that it stays linear on hostile text.

use proptest::prelude::*;

use super::*;

fn has(text: &str, feature: Feature) -> bool {
    analyse(text.as_bytes()).span(feature).is_some()
}

/// Everything but the features that are low by themselves.
fn silent(text: &str) -> bool {
    let facts = analyse(text.as_bytes());
    Feature::ALL
        .iter()
        .filter(|feature| !matches!(feature, Feature::Comparison | Feature::Query))
        .all(|feature| facts.span(*feature).is_none())
}

#[test]
fn grammar_tells_breakouts_from_text() {
    for (text, feature) in [
        ("1 or 1=1", Feature::Boolean),
        ("x' or 'a'='a", Feature::Boolean),
        ("x\") and (\"a\"=\"a", Feature::Boolean),
        ("1'/**/and/**/1=1 -- a", Feature::Boolean),
        ("id`=`id` and 3=4 and `id`=`id", Feature::Tautology),
        ("word and elt(2=2,3)#", Feature::Expression),
        ("1 and 1 not between 0 and 1", Feature::Boolean),
        ("admin'--", Feature::Comment),
        ("admin';", Feature::Comment),
        ("' or 1#", Feature::Constant),
        ("a' < +3 or '1", Feature::Constant),
        ("-1 union/*!50000*/select 1,2", Feature::Union),
        ("1 union table users", Feature::Union),
        ("1;drop table t", Feature::Stacked),
        ("1';show tables;--", Feature::Stacked),
        ("1'-sleep(5)-'", Feature::Delay),
        ("pg_sleep(5)--", Feature::Wait),
        ("1 order by 7", Feature::Clause),
        ("x') as t where 5=5 and ('a'='a", Feature::Clause),
        ("name order by 7--", Feature::BareClause),
        ("(select 1 from t)", Feature::Subselect),
        ("elt(1=1,2)", Feature::Expression),
        ("3,iif(7=8,1,1/0)", Feature::Expression),
        ("cast('a' as numeric)", Feature::Expression),
        ("'='", Feature::Operator),
        ("x' or 'y", Feature::Operator),
        ("(case when (1=1) then 1 else 0 end)", Feature::Statement),
        ("select @@version,2", Feature::Disclosure),
        ("1,extractvalue(7,concat(0x5c,0x71))", Feature::Disclosure),
        ("select name from account limit 10", Feature::Query),
        ("7,.)'(()\".,", Feature::Noise),
    ] {
        assert!(has(text, feature), "{text}: {feature:?}");
    }
}

#[test]
fn tricks_hide_nothing() {
    for (text, feature) in [
        ("1 a/**/nd 7=7-- x", Feature::Boolean),
        ("1' un/*x*/ion sel/**/ect 1,2--", Feature::Union),
        ("-1 ununionion selselectect 1,2", Feature::Union),
        ("%1%'%)% %a%n%d% %s%l%e%e%p%(%5%)", Feature::Delay),
        ("1\\' and \\'a\\'=\\'a", Feature::Boolean),
        ("1or1=1", Feature::Boolean),
        ("1dunion select 2", Feature::Union),
        ("1e0union select 2", Feature::Union),
        ("1 and 1.e(sleep 1.e(5 1.e) 1.e)", Feature::Delay),
        ("1\x01union\x02all\x1fselect 1,2", Feature::Union),
        ("1#a\nunion#b\nselect 1,2", Feature::Union),
        ("1 or sleep(5)#\n1", Feature::Delay),
        ("x\u{2019} or \u{2018}1\u{2019}=\u{2018}1", Feature::Boolean),
        ("/*!50000union*//**_**//*!0select*/ 1,2", Feature::Union),
    ] {
        assert!(has(text, feature), "{text}: {feature:?}");
    }
}

#[test]
fn ordinary_text_is_no_sql() {
    for text in [
        "rock 'n' roll or blues",
        "5' 6\" curtain rod",
        "\"union station\" or \"grand central\"",
        "\"union select\" tutorial",
        "select a size from the list",
        "union select committee",
        "drop table lamp",
        "drop table system cookie drop not",
        "it's; order by phone",
        "title~\"a\" or label=\"b\"",
        "x=1 or y=2",
        "true or false from here",
        "try '--help' or '-h'",
        "the '/' key and the '*' key",
        "if tag == '!':",
        "min(a,b) and max(c,d)",
        "f(x) = x^2 and g(x) = 3",
        "time.sleep(1)",
        "cmd \"a\" || true",
        "state_name='texas' and pop>1000",
        "persons between 10 and 30 or state='texas'",
        "100 * (1 - avg(rate(cpu{mode=\"idle\"}[1m])))",
        "do { (void)(x); } while (0)",
        "create or replace a filter",
        "o'brien",
        "d'angelo and o'neill",
        "l'or d'or",
        "dress with hat 18'",
        "g(2@h\"~2",
    ] {
        assert!(silent(text), "{text}: {:?}", analyse(text.as_bytes()));
    }
}

/// What hostile clients repeat, and what the grammar could be slow on.
const REPEATED: [&str; 18] = [
    "'",
    "(",
    "/*",
    "/**/",
    "/*!",
    "select ",
    "[",
    "`",
    "#\n",
    "--\n  ",
    "or(",
    " or 1",
    "case ",
    "a.b(",
    "\\'",
    "%a%b",
    "'or'",
    "information_schema.",
];

#[test]
fn work_is_bounded_by_the_text() {
    // bytes of text, a factor of two apart
    const SIZES: [usize; 4] = [8 << 10, 16 << 10, 32 << 10, 64 << 10];
    // readings of one text: plain and spliced, a number and three quotes, two sorts of comments
    const READINGS: u32 = 2 * 4 * 2;
    for unit in REPEATED {
        for size in SIZES {
            let text = unit.repeat(size / unit.len());
            let (_, steps) = analyse_counting(text.as_bytes());
            assert!(
                steps <= READINGS * MAX_STEPS,
                "{unit:?} × {size}: {steps} steps"
            );
        }
    }
}

#[test]
fn operators_in_a_row_take_steps_in_proportion() {
    let steps = |count: usize| analyse_counting(" or 1".repeat(count).as_bytes()).1;
    // every operator looks at the expression behind it, and the budget ends that
    assert!(steps(100) < MAX_STEPS);
    assert!(steps(4000) <= MAX_STEPS);
    assert_eq!(
        steps(4000),
        steps(8000),
        "more text than tokens are read costs nothing"
    );
}

proptest! {
    #[test]
    fn spans_stay_within_the_text(
        text in "([a-z0-9'\"`();,=#*/\\\\%\n -]|union |select |or |sleep\\(|case when |then |end |/\\*)*"
    ) {
        prop_assert!(analyse(text.as_bytes()).stay_within(text.len()), "{text}");
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(analyse(&bytes).stay_within(bytes.len()));
    }

    #[test]
    fn tokens_are_in_order_and_bounded(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut tokens = Tokens::default();
        for comments in [LineComment::Blank, LineComment::End] {
            tokens.read(&bytes, 0, comments);
            prop_assert!(tokens.list.len() <= token::MAX_TOKENS);
            let mut end = 0;
            for (at, token) in tokens.list.iter().enumerate() {
                prop_assert!(end <= token.start && token.start < token.end);
                prop_assert!(token.end <= bytes.len());
                prop_assert!(tokens.closing(at) >= at);
                end = token.end;
            }
        }
    }

    #[test]
    fn blanks_of_any_kind_are_blanks(
        blank in prop::sample::select(vec!["\t", "\n", "\r", "\x0b", "\x0c", "\x01", "/**/", "/*x*/"])
    ) {
        let text = "1' union all select 1,2 from t".replace(' ', blank);
        prop_assert!(has(&text, Feature::Union), "{text:?}");
    }
}
