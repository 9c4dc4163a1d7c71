import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// Who may connect, who is served, who administers, and what one user learns of another: a client of each kind is one.
@Suite(.enabled(if: OtherUser.isPossible, "it takes root, python3 with protobuf and zstandard, and protoc"))
struct AccessStories {
    /// How far a client comes.
    enum Reach: String {
        /// EACCES, of connect(2).
        case outside
        /// Its first call is refused, and the connection closed.
        case refused
        case user
        case administrator
    }

    struct Case: CustomStringConvertible {
        let name: String
        let client: OtherUser
        let reach: Reach

        var description: String { name }
    }

    private static let (socketGroup, allowedGroup, administratingGroup): (gid_t, gid_t, gid_t) = (61001, 61002, 61003)
    private static let (allowed, administrator, proxy): (uid_t, uid_t, uid_t) = (61011, 61021, 61031)
    private static let policy = [
        "--socket-mode", "0660", "--socket-group", "\(socketGroup)", "--allow", "\(allowed), 61014, @\(allowedGroup)",
        "--administrators", "\(administrator),@\(administratingGroup)", "--proxies", "\(proxy)",
    ]

    private static func client(_ user: uid_t, _ groups: gid_t...) -> OtherUser {
        OtherUser(user: user, group: user, groups: groups)
    }

    static let cases = [
        Case(name: "outside the socket's group", client: client(61041), reach: .outside),
        Case(name: "allowed, outside the group", client: client(allowed), reach: .outside),
        Case(name: "an administrator outside the group", client: client(administrator), reach: .outside),
        Case(name: "in the group, not allowed", client: client(61042, socketGroup), reach: .refused),
        Case(name: "allowed by uid", client: client(allowed, socketGroup), reach: .user),
        Case(
            name: "allowed by uid, the group its own",
            client: OtherUser(user: 61014, group: socketGroup, groups: []), reach: .user),
        Case(name: "allowed by a group", client: client(61012, socketGroup, allowedGroup), reach: .user),
        Case(
            name: "allowed by the last of a hundred groups",
            client: OtherUser(
                user: 61013, group: 61013, groups: (0..<100).map { 62000 + $0 } + [socketGroup, 63000, allowedGroup]),
            reach: .user),
        Case(name: "root", client: client(0), reach: .administrator),
        Case(name: "an administrator by uid", client: client(administrator, socketGroup), reach: .administrator),
        Case(
            name: "an administrator by a group", client: client(61022, socketGroup, administratingGroup),
            reach: .administrator),
        Case(
            name: "a proxy, though its group administers", client: client(proxy, socketGroup, administratingGroup),
            reach: .user),
    ]

    /// What a client tells of its calls.
    private struct Told: Decodable {
        /// The code of each call; -1: the connection was closed.
        var codes: [String: Int32] = [:]
        /// The sentence of each refusal.
        var said: [String: String] = [:]
        var administrator: Bool?
        /// Pictures, their bytes, words, their bytes, calls that were answered, in Status.
        var counts: [UInt64]?
        var cancelled: UInt32?
        /// Of the question that the daemon's user asked before, asked for the first and for the second time: U-Net
        /// passes, cached features and phrases, and whether the latent was cached.
        var work: [[UInt32]]?
    }

    /// A daemon in a folder that others may look into.
    private struct House {
        let daemon: Daemon
        private let folder: TemporaryDirectory

        init(_ options: [String]) throws {
            folder = try TemporaryDirectory()
            unsafe chmod(folder.path, 0o711)
            let daemon = try Daemon(starting: options, socket: "\(folder.path)/s")
            guard eventually({ daemon.child.hasEnded || daemon.answers }), daemon.answers else {
                throw RPCStatus(.unavailable, daemon.log)
            }
            self.daemon = daemon
        }

        /// - Parameter lines: Python, where `ask` calls a unary method, and `told` is what is told
        func told(by client: OtherUser, _ lines: String) throws -> Told? {
            let output = client.run(
                """
                told = {"codes": {}, "said": {}}
                def attempt(name, body):
                    try:
                        told["codes"][name] = 0
                        return body()
                    except CallFailed as failure:
                        told["codes"][name] = failure.status.code
                        told["said"][name] = failure.status.message
                    except ConnectionError:
                        told["codes"][name] = -1
                def ask(name, request, reply):
                    def body():
                        connection.open(name, 0, request)
                        return reply.FromString(connection.answer(connection.receive()[2]))
                    return attempt(name, body)
                try:
                    connection = Connection("\(daemon.socket)")
                except PermissionError:
                    print("EACCES")
                    sys.exit()
                \(lines)
                print(json.dumps(told))
                """)
            if output == "EACCES\n" { return nil }
            do {
                return try JSONDecoder().decode(Told.self, from: Data(output.utf8))
            } catch {
                throw RPCStatus(.internal, output)
            }
        }
    }

    private static let questions = """
        status = ask("Status", None, segmenter.StatusReply)
        if status is not None:
            told["administrator"] = status.administrator
            told["counts"] = [status.pictures, status.pictures_bytes, status.words, status.words_bytes, status.answered]
            told["cancelled"] = ask(
                "Cancel", segmenter.CancelRequest(request_id="under way"), segmenter.CancelReply).cancelled
        labels = [segmenter.Label(name="boat"), segmenter.Label(name="sheep")]
        def segment(handle):
            *_, last = connection.segment(segmenter.SegmentRequest(handle=handle, labels=labels, mask=True))
            t = last.trailer
            told["work"] = told.get("work", []) + [
                [t.unet_passes, t.features_cached, t.phrases_cached, int(t.latent_cached)]]
        attempt("another's handle", lambda: segment(handle))
        attempt("no handle", lambda: segment("0" * 64))
        ask("Unload", segmenter.UnloadRequest(model="demo"), segmenter.UnloadReply)
        ask("Metrics", segmenter.MetricsRequest(), segmenter.MetricsReply)
        def bring():
            for round in range(2):
                segment(connection.look(picture).handle)
        attempt("Look", bring)
        """

    @Test func `each of twelve kinds of clients may do what the table says, and learns nothing of another`() throws {
        let house = try House(Self.policy)
        let client = try house.daemon.client()
        let handle = try client.look(Repository.scene(8)).handle
        var request = SegmentRequest(.handle(handle), ["boat", "sheep"])
        request.mask = true
        let first = try #require(try client.answer(request).trailer)
        // Its answer of many megabytes is not read: it is under way until it is cancelled.
        var unread = SegmentRequest(.handle(handle), (0..<64).map { "thing \($0)" })
        (unread.requestID, unread.maps, unread.mapWidth, unread.mapHeight) = ("under way", .sized, 1024, 1024)
        let picture = Repository.scenePath(8)
        for row in Self.cases {
            let wire = try Wire(house.daemon)
            try wire.open(.segment, stream: 1, unread.encoded())
            while try wire.next()?.kind != .data {}
            defer { _ = try? client.cancel("under way") }
            let reading = "picture = open(\"\(picture)\", \"rb\").read()\nhandle = \"\(handle)\"\n"
            guard let told = try house.told(by: row.client, reading + Self.questions) else {
                #expect(row.reach == .outside, "\(row)")
                continue
            }
            let denied = RPCStatus.Code.permissionDenied.rawValue
            if row.reach == .refused {
                #expect(told.codes["Status"] == denied, "\(row)")
                #expect(told.said["Status"]?.contains("ask its administrator") == true, "\(row)")
                #expect(told.codes.filter { $0.key != "Status" }.allSatisfy { $0.value == -1 }, "\(row): \(told.codes)")
                continue
            }
            let administers = row.reach == .administrator
            #expect(row.reach != .outside && told.codes["Status"] == 0, "\(row)")
            #expect(told.administrator == administers, "\(row)")
            #expect(told.cancelled == (administers ? 1 : 0), "\(row)")
            for method in ["Unload", "Metrics"] {
                #expect((told.codes[method] == denied) == !administers, "\(row): \(told.codes)")
                #expect(administers || told.said[method]?.contains("\"administrators\"") == true, "\(row)")
            }
            guard row.client.user != 0 else {
                #expect(told.codes["another's handle"] == 0, "it is its own")
                continue
            }
            #expect(told.codes["another's handle"] == RPCStatus.Code.notFound.rawValue, "\(row)")
            let said = told.said["another's handle"]?.replacing(handle, with: String(repeating: "0", count: 64))
            #expect(said == told.said["no handle"], "\(row)")
            #expect(administers || told.counts == [0, 0, 0, 0, 0], "\(row): \(told.counts ?? [])")
            // Another administrator's Unload took the words of the model with it.
            #expect(!administers || told.counts.map { [$0[0], $0[1], $0[4]].allSatisfy { $0 > 0 } } == true, "\(row)")
            #expect(
                told.work == [
                    [first.unetPasses, first.featuresCached, first.phrasesCached, first.latentCached ? 1 : 0],
                    [0, first.unetPasses, 2, 1],
                ], "\(row): the first question costs what it cost its first asker")
        }
    }

    @Test func `the daemon's own user administers it, and by the standing mode nobody else comes in but root`() throws {
        let place = try TemporaryDirectory()
        let (program, folder) = ("\(place.path)/dsegd", "\(place.path)/run")
        try copyProgram("\(Repository.programs)/dsegd", to: program)
        let resources = "DiffSegmenter_dsegd.resources"
        let copy = shell(
            """
            cp -r '\(Repository.programs)/\(resources)' '\(place.path)/' && mkdir -m 700 '\(folder)' \
            && chown 61000:61000 '\(folder)' && chmod -R go+rX '\(place.path)' && chmod 755 '\(program)'
            """)
        try #require(copy.status == 0, "\(copy.output)")
        let socket = "\(folder)/s"
        let daemon = try Child(
            [
                "/usr/bin/setpriv", "--reuid=61000", "--regid=61000", "--clear-groups", program, "serve", "--socket",
                socket,
            ], environment: [:], errors: "\(place.path)/log")
        try #require(eventually { daemon.hasEnded || Daemon.answers(at: socket) } && !daemon.hasEnded)
        let status = "print(segmenter.StatusReply.FromString(connection.answer(connection.receive()[2])).administrator)"
        func administers(_ client: OtherUser) -> String {
            client.run(
                """
                try:
                    connection = Connection("\(socket)")
                    connection.open("Status", 0)
                    \(status)
                except PermissionError:
                    print("EACCES")
                """)
        }
        #expect(administers(Self.client(61000)) == "True\n" && administers(Self.client(0)) == "True\n")
        #expect(administers(Self.client(61041, 61000)) == "EACCES\n")
        unsafe chmod(folder, 0o755)
        #expect(administers(Self.client(61041, 61000)) == "EACCES\n", "of the group, which the mode leaves out")
    }

    @Test func `those who are turned away take no place, and their connections do not stay`() throws {
        let house = try House(Self.policy)
        let output = Self.client(61042, Self.socketGroup).run(
            """
            connections = [Connection("\(house.daemon.socket)") for _ in range(60)]
            refusals = 0
            closed = 0
            for connection in connections:
                try:
                    connection.open("Look", REMOTE_OPEN)
                    connection.send(DATA, 0, b"x" * 100000)
                    connection.answer(connection.receive()[2])
                except CallFailed as failure:
                    refusals += failure.status.code == 7
                except ConnectionError:
                    closed += 1
            silent = Connection("\(house.daemon.socket)")
            print(refusals > 0, refusals + closed, silent.socket.recv(1) == b"")
            """)
        #expect(output == "True 60 True\n")
        #expect(try house.daemon.client().health())
        #expect(house.daemon.log.contains("uid=61042") || house.daemon.log.contains("Uid 61042"))
    }

    @Test func `SIGHUP changes who is served, for those who are connected, too`() throws {
        let folder = try TemporaryDirectory()
        let path = "\(folder.path)/dsegd.conf"
        func write(_ text: String) throws { try text.write(toFile: path, atomically: true, encoding: .utf8) }
        try write("socket-mode = 0666 # for all\nallow = 61011, @61002\n")
        let house = try House(["--settings", path])
        #expect(FileStatus(house.daemon.socket).map { $0.mode & 0o777 } == 0o666)
        let (asked, changed) = ("\(folder.path)/asked", "\(folder.path)/changed")
        unsafe chmod(folder.path, 0o777)
        let waiting = """
            import time
            before = ask("Status", None, segmenter.StatusReply)
            open("\(asked)", "w").close()
            while not os.path.exists("\(changed)"):
                time.sleep(0.01)
            ask("Cancel", segmenter.CancelRequest(request_id="none"), segmenter.CancelReply)
            ask("Unload", segmenter.UnloadRequest(model="demo"), segmenter.UnloadReply)
            """
        let reload = try Child(
            [
                "/bin/sh", "-c",
                """
                until test -e '\(asked)'; do sleep 0.02; done
                printf 'socket-mode = 0666\nadministrators = 61012\nallow = 61012\n' > '\(path)'
                kill -HUP \(house.daemon.child.process)
                until grep -q 'has read' '\(house.daemon.logPath)'; do sleep 0.02; done
                touch '\(changed)'
                """,
            ], environment: [:], errors: "\(folder.path)/errors")
        let told = try #require(try house.told(by: Self.client(61011), waiting))
        #expect(reload.exitCode == 0)
        #expect(told.codes["Status"] == 0)
        #expect(told.codes["Cancel"] == RPCStatus.Code.permissionDenied.rawValue && told.codes["Unload"] == -1)
        let other = try #require(try house.told(by: Self.client(61012), Self.statusAndUnload))
        #expect(other.codes == ["Status": 0, "Unload": 0], "\(other.said)")
    }

    private static let statusAndUnload = """
        ask("Status", None, segmenter.StatusReply)
        ask("Unload", segmenter.UnloadRequest(model="demo"), segmenter.UnloadReply)
        """

    @Test(arguments: [
        ("allow = nobody-is-called-so", "there is no user \"nobody-is-called-so\""),
        ("allow = root, @no-such-group", "there is no group \"no-such-group\""),
        ("administrators = 4294967295", "is no uid or gid"), ("allow = ", "Missing value"),
        ("allow = root,,0", "a name is missing"), ("proxies = @0", "group 0 is no proxy"),
        ("socket-mode = 0640", "type one of 0600, 0660, 0666"), ("socket-group = none-such", "there is no group"),
    ])
    func `a line that names nobody is refused by its number`(line: String, reason: String) throws {
        let folder = try TemporaryDirectory()
        let path = "\(folder.path)/dsegd.conf"
        try "queue = 3\n\(line)\n".write(toFile: path, atomically: true, encoding: .utf8)
        let daemon = try Daemon(starting: ["--settings", path])
        #expect(daemon.child.exitCode == 78)
        #expect(daemon.log.contains("\(path), line 2: ") && daemon.log.contains(reason), "\(daemon.log)")
    }

    @Test func `a socket that lets others in must be within their reach, and in a folder that they trust`() throws {
        let folder = try TemporaryDirectory()
        unsafe chmod(folder.path, 0o700)
        let closed = try Daemon(starting: ["--socket-mode", "0660"], socket: "\(folder.path)/dseg.sock")
        #expect(closed.child.exitCode == 73 && closed.log.contains("chmod g+x"), "\(closed.log)")
        let useless = try Daemon(starting: ["--socket-mode", "0600", "--socket-group", "0"])
        #expect(useless.child.exitCode == 78 && useless.log.contains("0660"), "\(useless.log)")
    }
}
