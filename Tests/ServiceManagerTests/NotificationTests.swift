import Glibc
import Support
import Testing

@testable import ServiceManager

/// What is told by `NOTIFY_SOCKET`.
private final class Ear {
    let path: String
    private let socket: NotifySocket
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
        path = "\(folder.path)/notify"
        socket = try NotifySocket(path: path)
    }

    /// The next datagram; "" where none has come.
    func next() -> (text: String, descriptors: [CInt]) {
        let notice = socket.received()
        return ((notice?.lines ?? []).joined(separator: "\n"), notice?.descriptors ?? [])
    }
}

struct NotificationTests {
    private func supervisor(_ variables: [String: String]) -> Supervisor? {
        Supervisor { variables[$0] }
    }

    @Test func `without a service manager there is nobody to tell`() {
        #expect(supervisor([:]) == nil)
        #expect(supervisor(["NOTIFY_SOCKET": ""]) == nil)
        #expect(supervisor(["NOTIFY_SOCKET": "/" + String(repeating: "a", count: 200)]) == nil, "longer than sun_path")
    }

    @Test func `what belongs together is one datagram`() throws {
        let ear = try Ear()
        let manager = try #require(supervisor(["NOTIFY_SOCKET": ear.path]))
        manager.tell(.ready, .status("answers"))
        #expect(ear.next().text == "READY=1\nSTATUS=answers")
        manager.tell(.stopping)
        #expect(ear.next().text == "STOPPING=1")
        manager.tell(.extendTimeout(.seconds(60)))
        #expect(ear.next().text == "EXTEND_TIMEOUT_USEC=60000000")
        manager.tell(.alive)
        #expect(ear.next().text == "WATCHDOG=1")
        manager.tell(.forget("weights-1"))
        #expect(ear.next().text == "FDSTOREREMOVE=1\nFDNAME=weights-1")
    }

    @Test func `a reload is told with the time, by which it differs from an earlier one`() throws {
        let ear = try Ear()
        var before = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &before)
        try #require(supervisor(["NOTIFY_SOCKET": ear.path])).tell(.reloading)
        let lines = ear.next().text.split(separator: "\n")
        let time = try #require(lines.last.flatMap { Int($0.drop { $0 != "=" }.dropFirst()) })
        #expect(lines.first == "RELOADING=1" && lines.count == 2 && lines[1].hasPrefix("MONOTONIC_USEC="))
        #expect((0...60_000_000).contains(time - before.tv_sec * 1_000_000 - before.tv_nsec / 1000))
    }

    @Test func `a status is one line, whatever a model is called`() throws {
        let ear = try Ear()
        try #require(supervisor(["NOTIFY_SOCKET": ear.path])).tell(.status("a\nREADY=1\r\nb"))
        #expect(ear.next().text == "STATUS=a READY=1 b")
    }

    @Test func `a descriptor is sent along to be kept`() throws {
        let ear = try Ear()
        var ends: [CInt] = [0, 0]
        let code = unsafe pipe(&ends)
        #expect(code == 0)
        try #require(supervisor(["NOTIFY_SOCKET": ear.path])).keep(ends[0], as: "weights-1")
        let (text, descriptors) = ear.next()
        #expect(text == "FDSTORE=1\nFDNAME=weights-1")
        let copy = try #require(descriptors.first)
        #expect(descriptors.count == 1 && copy != ends[0])
        #expect(unsafe write(ends[1], "x", 1) == 1)
        var byte: UInt8 = 0
        let count = unsafe read(copy, &byte, 1)
        #expect(count == 1 && byte == UInt8(ascii: "x"), "it is the same pipe")
        for descriptor in ends + descriptors { close(descriptor) }
    }

    @Test func `the watchdog is for the process that it names`() throws {
        func limit(_ variables: [String: String]) -> Duration? {
            supervisor(variables.merging(["NOTIFY_SOCKET": "@nobody"]) { $1 })?.watchdog
        }
        #expect(limit([:]) == nil)
        #expect(limit(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
        #expect(limit(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid())"]) == .seconds(30))
        #expect(limit(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"]) == nil)
        for bad in ["0", "-1", "soon", ""] { #expect(limit(["WATCHDOG_USEC": bad]) == nil) }
    }

    @Test func `weights are kept once, and forgotten when their last model goes`() throws {
        let ear = try Ear()
        let manager = try #require(supervisor(["NOTIFY_SOCKET": ear.path]))
        func descriptor() throws -> CInt {
            let descriptor = open("/dev/null", O_RDONLY)
            try #require(descriptor >= 0)
            return descriptor
        }
        let handed = try HandedDescriptor(name: "weights-old", descriptor: descriptor())
        let store = WeightStore(manager, [handed, HandedDescriptor(name: "weights-old", descriptor: try descriptor())])
        #expect(store.unused == [handed], "of two of a name one is enough")
        #expect(store.take("weights-new") == nil)
        store.keep(try descriptor(), as: "weights-new")
        #expect(ear.next().text == "FDSTORE=1\nFDNAME=weights-new")
        store.keep(try descriptor(), as: "weights-new")
        #expect(ear.next().text == "", "the second model beside that network shares the first one's")
        store.letGo(of: "weights-new")
        #expect(ear.next().text == "")
        store.letGo(of: "weights-new")
        #expect(ear.next().text == "FDSTOREREMOVE=1\nFDNAME=weights-new")
        #expect(store.take("weights-new") == nil)
        #expect(store.take("weights-old") == handed.descriptor && store.unused.isEmpty)
        store.dropUnused()
        #expect(ear.next().text == "", "it is in use")
        store.letGo(of: "weights-old")
        #expect(ear.next().text == "FDSTOREREMOVE=1\nFDNAME=weights-old")
        #expect(fcntl(handed.descriptor, F_GETFD) == -1, "it is closed")
    }
}
