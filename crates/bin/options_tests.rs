use super::*;

fn gather(file: Option<&str>, flags: &[&str], environment: &[(&str, &str)]) -> Result<Layers, OptionError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.toml");
    let mut arguments = vec!["ilslab".to_owned()];
    if let Some(text) = file {
        std::fs::write(&path, text).expect("writes");
        arguments.extend(["--config".to_owned(), path.display().to_string()]);
    }
    arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
    let matches = with_options(Command::new("ilslab")).try_get_matches_from(arguments).expect("known flags");
    let variable =
        |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned());
    Layers::gather(ClusterRole::Spoke, &matches, variable)
}

fn error(file: &str) -> String {
    gather(Some(file), &[], &[]).err().expect("refused").to_string()
}

#[test]
fn flags_beat_variables_and_variables_beat_the_file() {
    let file = Some("[listen]\ntls_port = 1\n");
    let variable: &[(&str, &str)] = &[("ILS_TLS_PORT", "2")];
    for (flags, environment, want) in [
        (&["--tls-port", "3"][..], variable, "3"),
        (&[][..], variable, "2"),
        (&[][..], &[][..], "1"),
        (&[][..], &[("ILS_TLS_PORT", "")][..], "1"),
    ] {
        let layers = gather(file, flags, environment).expect("good options");
        assert_eq!(layers.one("tls-port").map(|given| given.text.as_str()), Some(want));
    }
}

#[test]
fn an_instance_beats_lower_layers_and_is_beaten_in_its_own() {
    let file = Some("instance = 3\ndata_dir = \"of the file\"\n[admin]\naddress = \"file:1\"\n");
    for (case, flags, environment, admin, folder) in [
        ("the file's own words", &[][..], &[][..], "file:1", "of the file"),
        (
            "a flag's instance over the file",
            &["--instance=7"],
            &[],
            "127.1.7.2:8081",
            "./ilslab-data/7/spoke",
        ),
        ("a variable's too", &[], &[("ILS_INSTANCE", "9")], "127.1.9.2:8081", "./ilslab-data/9/spoke"),
        ("a flag over all", &["--admin=flag:1"], &[("ILS_INSTANCE", "9")], "flag:1", "./ilslab-data/9/spoke"),
    ] {
        let layers = gather(file, flags, environment).expect("good options");
        let text = |name: &str| layers.one(name).map(|given| given.text.as_str());
        assert_eq!((text("admin"), text("data-dir")), (Some(admin), Some(folder)), "{case}");
        assert!(text("registration-server").is_some_and(|server| server.starts_with("127.1.")), "{case}");
    }
}

#[test]
fn every_option_can_be_given_in_the_file_and_in_a_variable() {
    for row in OPTIONS {
        let value = match row.value {
            None => "true",
            Some("PORT") => "7",
            Some(_) if row.name == "admin-name" => "[\"a\", \"b\"]",
            Some(_) => "\"text\"",
        };
        let file = match row.key.split_once('.') {
            Some((section, key)) => format!("[{section}]\n{key} = {value}\n"),
            None => format!("{} = {value}\n", row.key),
        };
        let layers = gather(Some(&file), &[], &[]).expect(row.name);
        assert!(layers.one(row.name).is_some(), "{}", row.key);
        let name = variable(row.name);
        let layers = gather(None, &[], &[(&name, "text")]).expect(row.name);
        assert_eq!(layers.one(row.name).map(|given| given.origin.clone()), Some(name));
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_name() {
    for (file, line, nearest) in [
        ("\n[listen]\ntls_prt = 7501\n", "line 3", "`listen.tls_port`"),
        ("tls_port = 7501\n", "line 1", "`listen.tls_port`"),
        ("clusterid = \"2\"\n", "line 1", "`cluster_id`"),
        ("[authentification]\nuse_tls = true\n", "line 1", "`authentication."),
    ] {
        let text = error(file);
        assert!(text.contains(line) && text.contains(nearest), "{text}");
    }
}

#[test]
fn an_unknown_key_reaches_no_terminal_as_it_is() {
    let text = error("\"\\u001b[31m\" = 1\n");
    assert!(text.contains(r"`\x1b[31m`") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn an_ill_typed_value_is_refused_with_what_it_may_be() {
    for (file, key, wanted) in [
        ("[listen]\ntls_port = \"7501\"\n", "listen.tls_port", "0 to 65535"),
        ("[authentication]\nuse_tls = \"yes\"\n", "authentication.use_tls", "true or false"),
        ("cluster_id = 2\n", "cluster_id", "text in quotes"),
        ("sync_every = true\n", "sync_every", "\"10m\""),
        ("[admin]\nnames = \"hub\"\n", "admin.names", "list"),
        ("[listen]\nlisten = 1\ntls_port = [1]\n", "listen.listen", "did you mean"),
    ] {
        let text = error(file);
        assert!(text.contains(key) && text.contains(wanted), "{text}");
    }
}

#[test]
fn a_file_that_is_no_toml_names_the_line() {
    assert!(error("a = 1\nb = = 2\n").contains("line 2"), "{}", error("a = 1\nb = = 2\n"));
}

#[test]
fn a_flag_given_twice_is_refused_but_for_names() {
    assert!(gather(None, &["--fqdn", "a", "--fqdn", "b"], &[]).is_err());
    let layers = gather(None, &["--admin-name", "a", "--admin-name", "b"], &[]).expect("names may be many");
    assert_eq!(layers.many("admin-name").count(), 2);
}

#[test]
fn a_variable_that_is_no_option_is_told_with_the_nearest_name() {
    let told = |name: &str| strangers([name.to_owned()].into_iter());
    for name in ["ILS_TLS_PORT", "ILS_CONFIG", "ILS_METHOD", "PATH", "ILSLAB_REQUIRE_TOOLS", "ILS"] {
        assert_eq!(told(name), [""; 0], "{name}");
    }
    for (name, nearest) in [("ILS_TLS_PROT", "ILS_TLS_PORT"), ("ILS_USE_PASWORD", "ILS_USE_PASSWORD")] {
        assert_eq!(told(name), [format!("{name} is no option and is ignored; did you mean {nearest}?")]);
    }
    assert!(!told("ILS_\u{1b}[31m").concat().contains('\u{1b}'));
}
