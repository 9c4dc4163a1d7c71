/// What callers may cost the daemon and each other: every bound of a request, a connection and a user, and why it is
/// what it is. Each is reached, and passed by one, in `Tests/ServerTests/LimitTests`.
///
/// Whatever is over a bound is refused by name with a status; the connection survives, except where it says otherwise.
package enum Limit {
    // MARK: Connections

    /// Open at a time, in all: a descriptor and some KiB each. Fewer where the process may have fewer descriptors
    /// (RLIMIT_NOFILE).
    package static let connections = 1024
    /// Of 4 connections so many are one user's at most: another user always finds a place.
    package static let connectionsPerUser = 3
    /// Of 8 connections so many are at most a proxy's, which stands for many users: another still finds a place.
    package static let connectionsPerProxy = 7
    /// Connections that wait for a place before accept(2) pauses: the rest wait in the kernel's backlog, where they
    /// cost no descriptor.
    package static let waitingConnections = 64
    /// Seconds that a connection may wait for a place: a client that was told nothing for longer takes the daemon for
    /// hung.
    package static let placeSeconds = 5
    /// The listen(2) backlog: a burst of programs that start together is not refused by the kernel.
    package static let backlog: Int32 = 256
    /// Descriptors kept for the listener, the event loop, and files that are open briefly.
    package static let reservedDescriptors = 24

    // MARK: Calls

    /// Open calls of a connection: each may hold a frame, so this bounds a connection to 128 MiB; a client that wants
    /// more at a time gains nothing, as the engine takes one call after the other.
    package static let streams = 32
    /// Queued calls of all users, if the administrator says nothing: at some seconds each a minute's patience.
    package static let queue = 16
    /// Queued calls that an administrator may permit: the fair queue is searched one by one.
    package static let longestQueue = 4096
    /// Seconds from a call's first frame to its end, its deadline at most: a U-Net pass of Stable Diffusion for each of
    /// 255 labels takes eight minutes on two cores.
    package static let callSeconds = 900
    /// Seconds that an administrator may permit: a week.
    package static let longestCallSeconds = 604_800

    // MARK: Bytes

    /// Of a frame's payload: ttrpc's own limit.
    package static let frameBytes = 4 << 20
    /// Of memory in which a message without picture or map is decoded. A legal one takes little more than its bytes, a
    /// hostile one up to 44 times as much.
    package static let messageArenaBytes = 1 << 20
    /// Of memory in which any other message is decoded, beside twice its own bytes.
    package static let bulkArenaBytes = 4 << 20
    /// Of a picture in one message of `Look`: its frame is read in a millisecond or two, by a thread that all uploads
    /// share.
    package static let pieceBytes = 1 << 20
    /// Of a picture's file, and of all that the calls of a connection hold at a time: the largest pictures of 64
    /// megapixels are PNG files of about 200 MiB.
    package static let pictureBytes = 256 << 20
    /// Under way in all: requests and pictures that are received, queued or in use. Less where memory is.
    package static let incomingBytes = 768 << 20
    /// Of those a user's: half, so that there is room for another's picture.
    package static let incomingBytesPerUser = 384 << 20
    /// Of computed score maps that wait to be drawn or read, in all. They are kept on the latent grid: at the size
    /// asked for, one request could hold 16 GiB. Less where memory is.
    package static let answerBytes = 512 << 20
    /// Of those a user's: three quarters, so that another's answers find room.
    package static let answerBytesPerUser = 384 << 20
    /// Neither is made less than this: what a picture of some megapixels takes.
    package static let leastRoomBytes = 128 << 20
    /// In a connection's write backlog before no more is drawn for it: enough to keep a reader busy. With the messages
    /// that were being drawn then, a quarter of a mebibyte or one map, it is 2 MiB.
    package static let backlogBytes = 1 << 20
    /// In all write backlogs, beyond which only connections with an empty one get more drawn.
    package static let unreadBytes = 128 << 20
    /// Of the reply cache.
    package static let replyBytes = 64 << 20

    // MARK: Times

    /// Seconds that the transfer of a frame's header or body, or of a picture, may pause (slowloris). A frame: the
    /// connection is closed.
    package static let pauseSeconds = 10
    /// A second, that a transfer of more seconds than that must reach on average: below it is no local socket.
    package static let bytesPerSecond = 64 << 10
    /// Seconds for which a client may read nothing of its backlog: then the connection is closed.
    package static let stallSeconds = 30
    /// Milliseconds that a connection must have been idle to give way to another that waits.
    package static let idleMilliseconds = 500
    /// Milliseconds more where it waits for its client to read.
    package static let readingMilliseconds = 1500

    /// Milliseconds for which a connection that has no place may say what it wants, and is told so: its first call is
    /// most often there before it is accepted.
    package static let farewellMilliseconds = 250
    /// Seconds that the engine may be in one step before Health is NOT_SERVING: longer than the longest layer of the
    /// slowest machine, and two thirds of the unit's WatchdogSec, so that a balancer turns away before the daemon is
    /// ended.
    package static let stuckSeconds = 20

    // MARK: When to ask again

    /// Milliseconds at least: less than a question about a known picture takes, so that nothing changes earlier.
    package static let leastRetryMilliseconds = 50
    /// Seconds at most: a wait that is computed from the last jobs is no better than those, and is computed anew.
    package static let mostRetrySeconds = 60
    /// Seconds where memory is short: until others have ended their calls, and let go of a model.
    package static let memoryRetrySeconds = 1
    /// Seconds while the daemon stops: one is back half a second after it has ended, and whoever connects meanwhile
    /// waits.
    package static let restartRetrySeconds = 1

    // MARK: Status

    /// The last failed calls of a user that are kept and told.
    package static let failures = 32
    /// Users whose counts are kept: as many as may be connected.
    package static let users = 1024

    // MARK: Pictures and maps

    /// Pixels of a picture, and of a map: 64 megapixels, more than cameras have. A file whose header states more is
    /// refused before it is decoded.
    package static let pixels = 64_000_000
    /// Pixels a side: libpng's own limit. It bounds the decoders' cost per row.
    package static let side = 1_000_000
    /// Numbers of all maps of one call, labels times pixels: 255 maps of 16 megapixels, or 4,096 of one.
    package static let callPixels = 1 << 32

    // MARK: Words

    /// Labels, or candidates for them: three times the largest vocabulary of a data set (LVIS: 1,203), and few enough
    /// to bound a request's time.
    package static let labels = 4096
    /// Labels with a mask: its indices are bytes, and 0 is the background.
    package static let maskedLabels = 255
    /// Phrases of a request: two for each of its ``labels``.
    package static let phrases = 8192
    /// Phrases in one softmax, whose keys are held at once: 2 MiB each for Stable Diffusion.
    package static let jointPhrases = 128
    /// Background words of a vocabulary; CLIPer's list has 25.
    package static let backgroundWords = 256
    /// Bytes of one name, phrase or prompt: far more than a text encoder reads.
    package static let promptBytes = 4096
    /// Bytes of all names, words and prompts of a request: 128 for each of its ``phrases``.
    package static let textBytes = 1 << 20
    /// Bytes of an identifier: a recipe, a model, a handle, a setting, a request identifier.
    package static let nameBytes = 256
    /// Bytes of any other text field of a message.
    package static let sentenceBytes = 65_536
    /// Combining marks in a row (Unicode's Stream-Safe Text Format): normalising sorts them in quadratic time.
    package static let combiningMarks = 30
    /// Probes of a request, and labels of a request that probes layers or stages: their maps are many for each label.
    package static let probes = 16
    package static let probedLabels = 16
}
