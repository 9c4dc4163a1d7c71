import CImages

/// The boundary of a 4-connected part of a region, along the cracks between pixels: what the lines enclose are exactly
/// the part's pixels.
///
/// Each line is closed, begins at its uppermost corner, of these the leftmost, and turns at each of its corners. Lines
/// may touch themselves and others at corners, where pixels meet diagonally.
package struct Contour: Sendable, Equatable {
    /// Clockwise as the picture is seen: the part is on the right hand.
    package let outer: [Corner]
    /// Counterclockwise: the part is on the right hand, too. In the order of their first corners.
    package let holes: [[Corner]]
    /// Where the holes' bridges end; of each hole one.
    private let bridges: [Bridge]

    /// A vertical line from a hole's first corner upwards through the part, up to the next line of the contour.
    fileprivate struct Bridge: Sendable, Equatable {
        /// The line on which it ends: 0 the outer one, else a hole's place and 1.
        var line: Int
        /// The corner of that line at which the edge begins on which it ends.
        var edge: Int
        /// How far from that corner.
        var distance: Int32
        var hole: Int
    }

    fileprivate init(outer: [Corner], holes: [[Corner]], bridges: [Bridge]) {
        self.outer = outer
        self.holes = holes
        self.bridges = bridges.sorted { ($0.line, $0.edge, $0.distance) < ($1.line, $1.edge, $1.distance) }
    }

    /// One closed line that encloses the part: each hole is joined to a line above it by a bridge, a vertical line from
    /// the hole's first corner upwards through the part, which is walked in both directions.
    package var joined: [Corner] {
        if holes.isEmpty { return outer }
        /// The first bridge on each line, and their count.
        var firsts = [Int](repeating: 0, count: holes.count + 2)
        for bridge in bridges { firsts[bridge.line + 1] += 1 }
        for line in holes.indices { firsts[line + 1] += firsts[line] }
        firsts[holes.count + 1] = bridges.count

        var joined: [Corner] = []
        func add(_ corner: Corner) {
            if joined.last != corner { joined.append(corner) }
        }
        /// From the outer line to the one that is being walked.
        var walks = [Walk(line: 0, bridge: 0, landing: nil)]
        while var walk = walks.popLast() {
            let corners = walk.line == 0 ? outer : holes[walk.line - 1]
            if walk.bridge < firsts[walk.line + 1], bridges[walk.bridge].edge == walk.corner - 1 {
                let bridge = bridges[walk.bridge]
                let landing = Corner(x: holes[bridge.hole][0].x, y: corners[bridge.edge].y)
                add(landing)
                walk.bridge += 1
                walks.append(walk)
                walks.append(Walk(line: bridge.hole + 1, bridge: firsts[bridge.hole + 1], landing: landing))
            } else if walk.corner < corners.count {
                add(corners[walk.corner])
                walk.corner += 1
                walks.append(walk)
            } else if let landing = walk.landing {
                add(corners[0])
                add(landing)
            }
        }
        return joined
    }

    private struct Walk {
        let line: Int
        /// The next corner.
        var corner = 0
        /// The next bridge on this line.
        var bridge: Int
        /// The end of the bridge over which the walk came, and goes back.
        let landing: Corner?
    }
}

/// Where four pixels meet: `x` of 0...width from the left, `y` of 0...height from the top.
package struct Corner: Sendable, Equatable {
    package let x: Int32
    package let y: Int32

    package init(x: Int32, y: Int32) {
        self.x = x
        self.y = y
    }
}

extension Region {
    /// The boundaries of all 4-connected parts, in the order of their first corners.
    ///
    /// Takes a byte a pixel, and some twenty a corner, beside the result.
    package func contours() -> [Contour] {
        let lines = Lines(of: self)
        var parts: [(outer: [Corner], holes: [[Corner]], bridges: [Contour.Bridge])] = []
        /// Of each line its part, and 0 for the part's outer line or the hole's place and 1.
        var places: [(part: Int, line: Int)] = []
        for (line, landing) in lines.landings.enumerated() {
            let corners = lines.corners(of: line)
            if landing.line == line {
                places.append((parts.count, 0))
                parts.append((corners, [], []))
                continue
            }
            let (part, target) = places[Int(landing.line)]
            let edge = Int(landing.corner - lines.starts[Int(landing.line)])
            let distance = abs(corners[0].x - lines.corners[Int(landing.corner)].x)
            let hole = parts[part].holes.count
            places.append((part, hole + 1))
            parts[part].holes.append(corners)
            parts[part].bridges.append(Contour.Bridge(line: target, edge: edge, distance: distance, hole: hole))
        }
        return parts.map { Contour(outer: $0.outer, holes: $0.holes, bridges: $0.bridges) }
    }
}

/// The boundaries of all parts of a region, one behind the other.
private struct Lines {
    let corners: [dseg_corner]
    /// The first corner of each line, and the count of corners.
    let starts: [UInt32]
    /// The edge on which the bridge of each hole ends; of an outer line an edge of its own.
    let landings: [dseg_edge]

    init(of region: Region) {
        let (pixels, width, height) = (region.pixels, region.width, region.height)
        let count = unsafe dseg_corner_count(pixels, width, height)
        var corners = [dseg_corner](repeating: dseg_corner(), count: count)
        var starts = [UInt32](repeating: 0, count: count / 4 + 1)
        var marks = [UInt8](repeating: 0, count: pixels.count)
        let lines = unsafe dseg_trace(pixels, width, height, &marks, &corners, &starts)
        starts.removeLast(starts.count - lines - 1)

        var rows = [UInt32](repeating: 0, count: height + 2)
        var columns = [UInt32](repeating: 0, count: width + 1)
        var edges = [dseg_edge](repeating: dseg_edge(), count: count / 2)
        var landings = [dseg_edge](repeating: dseg_edge(), count: lines)
        unsafe dseg_landings(corners, starts, lines, width, height, &rows, &columns, &edges, &landings)
        self.corners = corners
        self.starts = starts
        self.landings = landings
    }

    func corners(of line: Int) -> [Corner] {
        corners[Int(starts[line])..<Int(starts[line + 1])].map { Corner(x: $0.x, y: $0.y) }
    }
}
