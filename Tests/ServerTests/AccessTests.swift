import Glibc
import NIOCore
import RPC
import Segmentation
@testable import Server
import Support
import Testing

/// Who is served, and as what.
struct AccessTests {
    private static func accounts(_ text: String) throws -> Accounts { try Accounts(text) }

    @Test func `accounts are names or numbers of users and groups, looked up as they are`() throws {
        let root = try Accounts("root")
        #expect(root.users == [0] && root.groups.isEmpty)
        let all = try Accounts(" root ,1001,@0,  @root, @4294967294")
        #expect(all.users == [0, 1001] && all.groups == [0, 4_294_967_294])
        #expect(try Accounts.group("root") == 0 && Accounts.group("@7") == 7)
        let refused: [(String, AccountError)] = [
            ("", .empty), ("root,", .empty), (" , root", .empty), ("@", .unknownGroup("")),
            ("4294967295", .noNumber("4294967295")),
            ("99999999999999999999", .noNumber("99999999999999999999")), ("no such user", .unknownUser("no such user")),
            ("@no-such-group", .unknownGroup("no-such-group")), ("-1", .unknownUser("-1")), ("é", .unknownUser("é")),
        ]
        for (text, reason) in refused { #expect(throws: reason) { try Accounts(text) } }
        #expect(throws: AccountError.aGroup(0)) { try Accounts(usersAlone: "1, @0") }
        #expect(try Accounts(usersAlone: "1,2").users == [1, 2])
    }

    /// Against the definition, for each combination of what a peer is.
    @Test func `a standing follows from what a peer is, a proxy's before all`() throws {
        let policies: [(allowed: Accounts?, Bool)] = [(nil, false), (try Accounts("11,@21"), true)]
        for (allowed, isClosed) in policies {
            let policy = AccessPolicy(
                allowed: allowed, administrators: try Accounts("12, @22"), proxies: try Accounts("13, 0"))
            for user in [0, 10, 11, 12, 13, geteuid()] as [uid_t] {
                for groups in [[30], [21], [22], [21, 22], [30, 0]] as [Set<gid_t>] {
                    let standing = policy.standing(of: Peer(user: user, groups: groups))
                    let administers = user == geteuid() || user == 12 || groups.contains(22)
                    let expected: Standing? =
                        user == 13 || user == 0
                        ? .proxy
                        : administers
                            ? .administrator : !isClosed || user == 11 || groups.contains(21) ? .user : nil
                    #expect(standing == expected, "\(user) \(groups)")
                }
            }
        }
        let open = AccessPolicy(allowed: nil, administrators: .none, proxies: .none)
        #expect(
            open.standing(of: Peer(user: 0, groups: [])) == .administrator
                && open.standing(of: Peer(user: geteuid(), groups: [])) == .administrator)
    }

    @Test func `what administrators may is refused to others in a sentence that names who may`() {
        let peer = Peer(user: 1234, groups: [])
        for standing in [Standing.user, .proxy] {
            let error = #expect(throws: RPCStatus.self) { try AccessPolicy.check(standing, peer, may: "Unload") }
            #expect(error?.code == .permissionDenied)
            for part in ["Unload", "root", "uid \(geteuid())", "\"administrators\"", "1234"] {
                #expect(error?.message.contains(part) == true)
            }
        }
        #expect(throws: Never.self) { try AccessPolicy.check(.administrator, peer, may: "Unload") }
    }

    @Test func `a socket's group and mode agree`() throws {
        #expect(try SocketAccess(mode: nil, group: nil) == .own && SocketAccess.own.mode == .user)
        #expect(try SocketAccess(mode: nil, group: 5).mode == .group)
        #expect(throws: ListeningError.uselessGroup(5, .user)) { try SocketAccess(mode: .user, group: 5) }
        #expect(["0600", "600", "0660", "666"].map { SocketAccess.Mode($0) } == [.user, .user, .group, .everyone])
        #expect(
            ["", "0640", "0777", "1660", "0o660", "000000660", "-600", "6 0"].allSatisfy {
                SocketAccess.Mode($0) == nil
            })
    }

    @Test(arguments: [
        .own, try? SocketAccess(mode: .group, group: 61001), try? SocketAccess(mode: .everyone, group: nil),
    ])
    func `a socket has its mode and its group whatever the umask, when it can be connected to`(
        access: SocketAccess?
    ) throws {
        let access = try #require(access)
        guard access.group == nil || geteuid() == 0 else { return }
        let folder = try TemporaryDirectory()
        unsafe chmod(folder.path, 0o711)
        let path = "\(folder.path)/s"
        let socket = try ListeningSocket(path: path, access)
        let status = try #require(FileStatus(path, followingLinks: false))
        #expect(status.mode & 0o7777 == access.mode.rawValue && status.group == access.group ?? getegid())
        #expect(socket.descriptor >= 0)
    }

    @Test func `of a proxy more connections are let in, each with turns of its own`() throws {
        let own = geteuid()
        let limits = ServerLimits.with {
            $0.connections = .init(all: 8, perUser: 2)
            $0.proxyConnections = 6
            ($0.idle, $0.wait) = (.hours(1), .milliseconds(100))
        }
        func places(_ access: AccessPolicy) throws -> Int {
            let server = try TestServer(limits: limits, access: access)
            let connections = try (0..<10).map { _ in try RawConnection(server.path) }
            let health = HealthCheckRequest(service: "").encoded()
            return try connections.filter { connection in
                guard (try? connection.open(.health, stream: 1, health)) == true else { return false }
                guard let frame = try connection.next() else { return false }
                return try CallResponse(decoding: frame.payload).code == .ok
            }.count
        }
        #expect(try places(AccessPolicy(allowed: nil, administrators: .none, proxies: .none)) == 2)
        #expect(try places(AccessPolicy(allowed: nil, administrators: .none, proxies: Accounts("\(own)"))) == 6)
        var queue = FairQueue<Int>()
        for number in 0..<3 {
            queue.append(number, from: Caller(behind: 7, connection: 1))
            queue.append(10 + number, from: Caller(behind: 7, connection: 2))
            queue.append(20 + number, from: Caller(owner: 8, connection: 3))
            queue.append(30 + number, from: Caller(owner: 8, connection: 4))
        }
        #expect((0..<6).map { _ in queue.popFirst() } == [0, 10, 20, 1, 11, 30])
    }

    @Test func `behind a proxy nobody administers`() throws {
        let proxies = AccessPolicy(allowed: nil, administrators: .none, proxies: try Accounts("\(geteuid())"))
        let server = try TestServer(access: proxies)
        let client = try server.client()
        for call in [{ _ = try client.unload(UnloadRequest(model: "demo")) }, { _ = try client.metrics() }]
            as [() throws -> Void]
        {
            let error = #expect(throws: RPCStatus.self) { try call() }
            #expect(error?.code == .permissionDenied && error?.message.contains("a proxy") == true)
        }
        #expect(try !client.status().activity.isAdministrator && client.status().models.count > 0)
    }
}
