import FoundationEssentials
import Support
import Testing

/// What `make install` puts in place, `make uninstall` takes away. The programs are stand-ins that write completions.
@Suite struct InstallTests {
    private let root: TemporaryDirectory
    private let programs: TemporaryDirectory

    init() throws {
        root = try TemporaryDirectory()
        programs = try TemporaryDirectory()
        for program in ["dseg", "dsegd", "dseg-bench"] {
            try writeProgram(
                "#!/bin/sh\necho '#!/bin/bash'\necho \"$0 $*\"\n", to: "\(programs.path)/\(program)")
        }
    }

    private func make(_ target: String, prefix: String) -> (status: Int32, output: String) {
        shell(
            "make --no-print-directory -C '\(Repository.root)' \(target) DESTDIR='\(root.path)' PREFIX=\(prefix) "
                + "PROGRAMS='\(programs.path)'")
    }

    /// Paths below the root folder, of files alone.
    private func files() -> [String] {
        shell("cd '\(root.path)' && find . -type f -printf '/%P\\n' | sort").output.splitLines
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOfFile: root.path + path, encoding: .utf8)
    }

    @Test(arguments: ["/usr", "/usr/local"])
    func `uninstall leaves nothing`(prefix: String) throws {
        let installed = make("install", prefix: prefix)
        #expect(installed.status == 0, "\(installed.output)")
        let found = Set(files())
        let site = prefix == "/usr" ? "vendor-completions" : "site-functions"
        let expected = [
            "bin/dseg", "bin/dsegd", "bin/dseg-bench", "lib/systemd/system/dsegd.service",
            "lib/systemd/system/dsegd.socket", "lib/systemd/user/dsegd.service", "lib/systemd/user/dsegd.socket",
            "lib/sysusers.d/dseg.conf", "share/man/man1/dseg.1", "share/man/man8/dsegd.8",
            "share/man/man7/dseg-formats.7", "share/bash-completion/completions/dseg", "share/zsh/\(site)/_dsegd",
            "share/fish/vendor_completions.d/dseg.fish", "share/dseg/demo/model_index.json",
            "share/dseg/vocabularies/coco.txt", "share/dseg/stages.py",
        ]
        #expect(expected.filter { !found.contains("\(prefix)/\($0)") } == [])
        #expect(found.contains("/etc/dseg/dsegd.conf"))

        let removed = make("uninstall", prefix: prefix)
        #expect(removed.status == 0 && removed.output == "", "\(removed.output)")
        #expect(files() == [])
        #expect(shell("find '\(root.path)' -mindepth 1 -name 'dseg*'").output == "")
    }

    @Test func `what others put there stays`() throws {
        _ = make("install", prefix: "/usr")
        for path in ["/usr/bin/other", "/usr/share/dseg/mine", "/etc/dseg/models.json"] {
            try "mine".write(toFile: root.path + path, atomically: false, encoding: .utf8)
        }
        _ = make("uninstall", prefix: "/usr")
        #expect(files() == ["/etc/dseg/models.json", "/usr/bin/other", "/usr/share/dseg/mine"])
    }

    @Test func `edited settings are neither overwritten nor removed`() throws {
        let settings = "/etc/dseg/dsegd.conf"
        _ = make("install", prefix: "/usr")
        try "queue = 2\n".write(toFile: root.path + settings, atomically: false, encoding: .utf8)
        _ = make("install", prefix: "/usr")
        #expect(try text(settings) == "queue = 2\n")
        let removed = make("uninstall", prefix: "/usr")
        #expect(removed.status == 0 && removed.output.contains("dsegd.conf was edited"))
        #expect(files() == [settings])
    }

    @Test func `units start the program that was installed`() throws {
        _ = make("install", prefix: "/opt/dseg")
        for folder in ["system", "user"] {
            let unit = try text("/opt/dseg/lib/systemd/\(folder)/dsegd.service")
            #expect(unit.splitLines.contains("ExecStart=/opt/dseg/bin/dsegd serve"))
            #expect(!unit.contains("/usr/local"))
        }
    }

    @Test func `files have the modes and the words that they should`() throws {
        let installed = shell(
            "umask 077; make --no-print-directory -C '\(Repository.root)' install DESTDIR='\(root.path)' PREFIX=/usr "
                + "PROGRAMS='\(programs.path)'")
        #expect(installed.status == 0, "\(installed.output)")
        let modes = shell(
            "cd '\(root.path)' && find usr/bin -type f ! -perm 755; find . -type f ! -path './usr/bin/*' ! -perm 644; "
                + "find . -mindepth 1 -type d ! -perm 755")
        #expect(modes.output == "")
        // A shell reads a completion, and does not run it.
        #expect(
            try text("/usr/share/bash-completion/completions/dsegd")
                == "\(programs.path)/dsegd --generate-completion-script bash\n")
    }

    /// Each setting is there, commented out, so that the file as it ships says nothing.
    @Test func `the settings that ship say nothing`() throws {
        let lines = try String(contentsOfFile: "\(Repository.root)/Packaging/dsegd.conf", encoding: .utf8).splitLines
        #expect(lines.count { !$0.isEmpty && !$0.hasPrefix("#") } == 0)
        let settings = lines.filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") }
        #expect(settings.count > 0)
        #expect(settings.count { $0.wholeMatch(of: /#[a-z-]+ = [a-z0-9A-Z]+/) == nil } == 0)
    }

    /// Some of them run only where packages are made or installed.
    @Test func `shells can read the scripts`() {
        let scripts = shell(
            "cd '\(Repository.root)/Packaging' && for script in *.sh; do bash -n $script || exit; done; "
                + "for script in deb/p*; do sh -n $script || exit; done")
        #expect(scripts.status == 0 && scripts.output == "")
    }
}
