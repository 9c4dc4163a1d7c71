import FoundationEssentials
import Glibc
import Support
import Testing

/// Whom `dseg` asks: it runs as one user here, a listener as another.
@Suite(
    .enabled(
        if: geteuid() == 0 && exists("/usr/bin/setpriv") && exists("/usr/bin/python3"),
        "it takes root, setpriv(1) and python3"))
struct SocketTrustTests {
    private static func user(_ number: Int) -> [String] {
        ["/usr/bin/setpriv", "--reuid=\(number)", "--regid=\(number)", "--clear-groups"]
    }

    /// How asking ends, where a listener of user 65533 lies in a folder with this owner and mode.
    private func asking(as client: Int = 65534, folder owner: Int, mode: mode_t) throws -> Program.Ending {
        let place = try TemporaryDirectory()
        let (dseg, folder) = ("\(place.path)/dseg", "\(place.path)/folder")
        // Not by this process: a child that another test forks meanwhile would hold the copy open to write, and to run
        // it then is ETXTBSY.
        #expect(try run(["/bin/cp", Repository.dseg, dseg]).code == 0)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        unsafe chmod(place.path, 0o755)
        unsafe chmod(folder, 0o777)
        let socket = "\(folder)/s"
        let listening =
            "import socket,sys,time; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); "
            + "import os; os.chmod(sys.argv[1], 0o777); time.sleep(60)"
        let listener = try Program(Self.user(65533) + ["/usr/bin/python3", "-c", listening, socket])
        #expect(eventually { Mode.of(socket) == 0o777 }, "\(listener.errors)")
        unsafe chown(folder, uid_t(owner), gid_t(owner))
        unsafe chmod(folder, mode)
        return try run(Self.user(client) + [dseg, "status", "--socket", socket, "--timeout", "0.3"])
    }

    @Test(arguments: [(0, 0o1777), (65534, 0o1777), (0, 0o777), (65532, 0o755), (0, 0o775)] as [(Int, mode_t)])
    func `another user's socket is not asked where others may have put it`(owner: Int, mode: mode_t) throws {
        let ending = try asking(folder: owner, mode: mode)
        #expect(ending.code == 69)
        #expect(ending.errors.contains("user 65533's"), "\(ending.errors)")
        #expect(ending.errors.contains("nothing is sent"))
    }

    /// It is asked, and says nothing.
    @Test(arguments: [(0, 0o755), (65533, 0o755), (65534, 0o711)] as [(Int, mode_t)])
    func `it is asked where nobody else can have put it`(owner: Int, mode: mode_t) throws {
        #expect(try asking(folder: owner, mode: mode).code == 75)
    }

    @Test func `one's own is asked anywhere`() throws {
        #expect(try asking(as: 65533, folder: 0, mode: 0o1777).code == 75)
    }
}

private enum Mode {
    static func of(_ path: String) -> mode_t? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }
}
