use std::path::Path;

use proptest::prelude::*;

use crate::profiles::{Profile, line_of_credentials, removed, without_secrets, written};

fn profile(name: &str) -> Profile {
    Profile::new(
        name.parse().unwrap(),
        Path::new("/usr/bin/rolecall"),
        name,
        Path::new("/etc/rolecall.yaml"),
        Some("eu-central-1".parse().unwrap()),
    )
    .unwrap()
}

fn write(before: &str, names: &[&str]) -> Result<String, String> {
    let profiles: Vec<Profile> = names.iter().map(|name| profile(name)).collect();
    match written(before.as_bytes(), &profiles) {
        Ok(after) => Ok(String::from_utf8(after).unwrap()),
        Err(error) => Err(error.to_string()),
    }
}

fn remove(before: &str) -> String {
    String::from_utf8(removed(before.as_bytes()).unwrap()).unwrap()
}

const MINE: &str = "[default]\nregion = us-east-1\n\n[profile mine]\noutput = json\n";

#[test]
fn profiles_stand_behind_what_was_there() {
    insta::assert_snapshot!(write(MINE, &["athena", "reader"]).unwrap(), @r#"
    [default]
    region = us-east-1

    [profile mine]
    output = json
    # >>> rolecall profiles (`rolecall profiles write` replaces what stands in between) >>>
    [profile athena]
    credential_process = /usr/bin/rolecall credentials athena --config /etc/rolecall.yaml --format process
    region = eu-central-1

    [profile reader]
    credential_process = /usr/bin/rolecall credentials reader --config /etc/rolecall.yaml --format process
    region = eu-central-1
    # <<< rolecall profiles <<<
    "#);
    insta::assert_snapshot!(write("", &["default"]).unwrap(), @r#"
    # >>> rolecall profiles (`rolecall profiles write` replaces what stands in between) >>>
    [default]
    credential_process = /usr/bin/rolecall credentials default --config /etc/rolecall.yaml --format process
    region = eu-central-1
    # <<< rolecall profiles <<<
    "#);
}

#[test]
fn a_second_run_changes_nothing_and_a_later_one_only_the_block() {
    let once = write(MINE, &["athena", "reader"]).unwrap();
    assert_eq!(write(&once, &["athena", "reader"]).unwrap(), once);
    let followed = format!("{once}\n[profile later]\nregion = eu-west-1\n");
    let fewer = write(&followed, &["reader"]).unwrap();
    assert!(!fewer.contains("athena") && fewer.contains("[profile reader]"));
    assert!(fewer.starts_with(MINE) && fewer.ends_with("\n[profile later]\nregion = eu-west-1\n"));
    assert_eq!(
        remove(&followed),
        format!("{MINE}\n[profile later]\nregion = eu-west-1\n")
    );
    assert_eq!(write(&followed, &[]).unwrap(), remove(&followed));
}

#[test]
fn a_last_line_without_an_end_has_none_again() {
    for mine in [
        "[default]\nregion = us-east-1",
        "[default]\r\nregion = us-east-1",
        "# \r",
    ] {
        let after = write(mine, &["athena"]).unwrap();
        assert_eq!(write(&after, &["athena"]).unwrap(), after);
        assert_eq!(remove(&after), mine);
        // What somebody wrote behind the block keeps its distance from what is above it.
        let followed = format!("{after}[profile later]\n");
        assert!(remove(&followed).ends_with("\n[profile later]\n"));
    }
    assert!(write("[default]\r\n", &["athena"]).unwrap().lines().count() > 1);
    assert!(
        !write("[default]\r\n", &["athena"])
            .unwrap()
            .replace("\r\n", "")
            .contains('\n')
    );
}

#[test]
fn a_profile_of_the_users_is_named_with_its_line() {
    let line = |header: &str| write(&format!("# x\n{header}\noutput = json\n"), &["athena"]);
    insta::assert_snapshot!(line("[profile athena]").unwrap_err(), @"line 2: the profile `athena` is there already and was not written by `rolecall profiles write`, which leaves it alone");
    for header in [
        "[profile \"athena\"]",
        "  [ profile   athena ]",
        "[profile athena] # my own",
        "[profile\tathena]\r",
        "[profile 'athena']",
        "[profile athena] [x]",
        "[profile ath\\ena]",
    ] {
        assert!(line(header).is_err(), "{header}");
    }
    for header in [
        "[profile athena-2]",
        "[athena]",
        "# [profile athena]",
        "[services athena]",
        "[profile Athena]",
    ] {
        assert!(line(header).is_ok(), "{header}");
    }
    assert!(write("[default]\n", &["default"]).is_err());
    assert!(write("[profile default]\n", &["default"]).is_err());
    // Also behind the block.
    let once = write(MINE, &["athena"]).unwrap();
    let error = write(&format!("{once}[profile reader]\n"), &["athena", "reader"]).unwrap_err();
    assert!(error.starts_with("line 11:"), "{error}");
}

#[test]
fn keys_in_the_credentials_file_would_win() {
    let file = b"[other]\naws_access_key_id = x\n[athena]\n";
    assert_eq!(
        line_of_credentials(file, &"athena".parse().unwrap()),
        Some(3)
    );
    assert_eq!(line_of_credentials(file, &"reader".parse().unwrap()), None);
}

#[test]
fn markers_that_are_no_pair_are_left_alone() {
    let once = write(MINE, &["athena"]).unwrap();
    let told = |file: String| write(&file, &["athena"]).unwrap_err();
    insta::assert_snapshot!(told(format!("{once}{once}")), @"line 16: the block begins a second time; the comments `# >>> rolecall profiles` and `# <<< rolecall profiles` must be one pair");
    insta::assert_snapshot!(told(once.replace("# <<< rolecall profiles <<<\n", "")), @"line 6: the block that begins here does not end; the comments `# >>> rolecall profiles` and `# <<< rolecall profiles` must be one pair");
    insta::assert_snapshot!(told(format!("# <<< rolecall profiles <<<\n{once}")), @"line 1: a block ends that did not begin; the comments `# >>> rolecall profiles` and `# <<< rolecall profiles` must be one pair");
    insta::assert_snapshot!(told(format!("{once}region = us-east-1\n")), @"line 11: this setting stands behind Rolecall's block and before the next section, so it belongs to the last profile of the block; move it into its own section");
    assert!(
        write(
            &format!("{once}\n; comment\n  # another\n[x]\na = b\n"),
            &["athena"]
        )
        .is_ok()
    );
}

#[test]
fn a_command_is_split_alike_by_shells_and_sdks() {
    let made = |program: &str, connection: &str, config: &str| {
        let name = "x".parse().unwrap();
        Profile::new(
            name,
            Path::new(program),
            connection,
            Path::new(config),
            None,
        )
    };
    let odd = made(
        "/opt/my tools/rolecall",
        "it's",
        "/home/ü/$HOME/\"a\"\\b.yaml",
    )
    .unwrap();
    insta::assert_debug_snapshot!(odd, @r#"
    Profile {
        name: ProfileName(
            "x",
        ),
        credential_process: "'/opt/my tools/rolecall' credentials 'it'\\''s' --config '/home/ü/$HOME/\"a\"\\b.yaml' --format process",
        region: None,
    }
    "#);
    for (program, connection, config) in [
        ("rolecall", "a", "/c"),
        ("/r", "-a", "/c"),
        ("/r", "a", "c.yaml"),
        ("/r", "a", "/c\n[profile x]"),
        ("/r", "a", "/my #1.yaml"),
    ] {
        assert!(
            made(program, connection, config).is_err(),
            "{program} {connection} {config}"
        );
    }
}

#[test]
fn a_diff_shows_no_keys() {
    let file = b"[profile x]\r\naws_access_key_id = AKIA\r\naws_secret_access_key = canary\r\n AWS_SESSION_TOKEN: canary\nregion = eu\n[profile token]\n";
    insta::assert_snapshot!(without_secrets(file).replace('\r', ""), @r#"
    [profile x]
    aws_access_key_id = AKIA
    aws_secret_access_key = (not shown)
     AWS_SESSION_TOKEN= (not shown)
    region = eu
    [profile token]
    "#);
}

/// Lines that mean something to readers of these files, and to us.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "(\\[default\\]|\\[profile [a-d]\\]|[a-z_]{1,8} = [ -~]{0,8}|s3 =|  nested = 1|# [ -~]{0,8}|; x|)".prop_map(String::into_bytes),
        Just(b"  # >>> rolecall profiles (`rolecall profiles write` replaces what stands in between) >>>".to_vec()),
        Just(b" # <<< rolecall profiles <<<".to_vec()),
        proptest::collection::vec(any::<u8>().prop_filter("a line", |byte| *byte != b'\n'), 0..12),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n")];
    (proptest::collection::vec((line, end), 0..12), any::<bool>()).prop_map(|(lines, cut)| {
        let mut file: Vec<u8> = lines
            .into_iter()
            .flat_map(|(line, end)| [line, end.as_bytes().to_vec()].concat())
            .collect();
        if cut {
            file.pop();
        }
        file
    })
}

proptest! {
    #[test]
    fn everything_outside_the_block_stays(before in lines(), after in lines(), again in any::<bool>()) {
        let names = ["w", "x", "y"].map(profile);
        let once = written(&before, &names[..2]).unwrap();
        prop_assert!(once.starts_with(&before));
        prop_assert_eq!(&written(&once, &names[..2]).unwrap(), &once);
        prop_assert_eq!(&removed(&once).unwrap(), &before);
        // Sections that were written behind it meanwhile.
        let behind = [b"[profile z]\n".as_slice(), &after].concat();
        let followed = [once.as_slice(), &behind].concat();
        let names = if again { &names[1..] } else { &names[..0] };
        let later = written(&followed, names).unwrap();
        prop_assert!(later.starts_with(&before) && later.ends_with(&behind));
        prop_assert_eq!(&written(&later, names).unwrap(), &later);
    }
}
