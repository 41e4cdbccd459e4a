-- What of OpenStreetMap comes onto the street map, and from which zoom on: a profile for tilemaker.
--
-- tilemaker 2 gives each object to the functions below; tilemaker 3 has global functions instead.

node_keys = { "place", "addr:housenumber" }

local function methods(object)
  if object then
    return {
      find = function(key) return object:Find(key) end,
      layer = function(name, area) object:Layer(name, area) end,
      centre = function(name) object:LayerAsCentroid(name) end,
      text = function(key, value) object:Attribute(key, value) end,
      number = function(key, value) object:AttributeNumeric(key, value) end,
      from = function(zoom) object:MinZoom(zoom) end,
      closed = function() return object:IsClosed() end,
    }
  end
  return {
    find = Find, layer = Layer, centre = LayerAsCentroid, text = Attribute,
    number = AttributeNumeric, from = MinZoom, closed = IsClosed,
  }
end

local function set(words)
  local found = {}
  for word in words:gmatch("%S+") do found[word] = true end
  return found
end

local ROADS = {
  motorway = { "motorway", 6 }, motorway_link = { "motorway", 10 },
  trunk = { "motorway", 6 }, trunk_link = { "motorway", 10 },
  primary = { "main", 7 }, primary_link = { "main", 11 },
  secondary = { "main", 9 }, secondary_link = { "main", 12 },
  tertiary = { "street", 10 }, tertiary_link = { "street", 12 },
  unclassified = { "street", 12 }, residential = { "street", 12 }, living_street = { "street", 12 },
  pedestrian = { "street", 13 }, service = { "service", 13 }, track = { "track", 13 },
  footway = { "path", 14 }, cycleway = { "path", 14 }, path = { "path", 14 }, steps = { "path", 14 },
}

-- Rank (1 is the largest) and first zoom.
local PLACES = {
  city = { 1, 8 }, town = { 2, 8 }, village = { 3, 10 }, suburb = { 3, 11 }, quarter = { 4, 12 },
  neighbourhood = { 4, 13 }, hamlet = { 4, 12 }, isolated_dwelling = { 5, 13 }, farm = { 5, 13 },
}

local GREEN = set("forest wood meadow grass grassland park cemetery orchard heath scrub nature_reserve garden")
local BUILT = set("residential commercial industrial retail railway garages")

local function named(way)
  local name = way.find("name")
  if name ~= "" then way.text("name", name) end
end

function init_function() end
function exit_function() end

function node_function(object)
  local node = methods(object)
  local place = PLACES[node.find("place")]
  if place and node.find("name") ~= "" then
    node.layer("place", false)
    node.text("name", node.find("name"))
    node.number("rank", place[1])
    node.from(place[2])
  end
  local number = node.find("addr:housenumber")
  if number ~= "" then
    node.layer("number", false)
    node.text("number", number)
  end
end

function way_function(object)
  local way = methods(object)
  local road = ROADS[way.find("highway")]
  if road and way.find("area") ~= "yes" then
    way.layer("road", false)
    way.text("class", road[1])
    way.from(road[2])
    named(way)
    if way.find("ref") ~= "" then way.text("ref", way.find("ref")) end
  end
  if way.find("railway") == "rail" then way.layer("rail", false) end
  local waterway = way.find("waterway")
  if waterway == "river" or waterway == "canal" then way.layer("waterway", false) end
  if waterway == "stream" then
    way.layer("waterway", false)
    way.from(13)
  end
  if not way.closed() then return end
  if way.find("natural") == "water" or waterway == "riverbank" or way.find("landuse") == "reservoir" then
    way.layer("water", true)
  elseif way.find("building") ~= "" and way.find("building") ~= "no" then
    way.layer("building", true)
    local number = way.find("addr:housenumber")
    if number ~= "" then
      way.centre("number")
      way.text("number", number)
    end
  elseif GREEN[way.find("landuse")] or GREEN[way.find("natural")] or GREEN[way.find("leisure")] then
    way.layer("green", true)
  elseif BUILT[way.find("landuse")] then
    way.layer("built", true)
  end
end
