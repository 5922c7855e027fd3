// A complete client of the Pratique partner API, in one file to copy from. Needs .NET 8 or newer, no packages.
//
//   export PRATIQUE_URL=https://health.example.edu
//   export PRATIQUE_CLIENT_ID=demo_...  PRATIQUE_KEY=...  PRATIQUE_PACKAGE=...  PRATIQUE_TRACKER='Class of 2030'
//   dotnet new console -o partner && cp Partner.cs partner/Program.cs && cd partner
//   dotnet run                                       # signs one example student in, and reads back
//   dotnet run -- --check-vectors vectors.json       # compares every byte with the published test vectors
//
// The key belongs on your server, in its store of secrets: never in a browser, an app or a repository.

using System.Diagnostics;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

try
{
    if (args is ["--check-vectors", var path]) Example.Check(path);
    else await Example.Show();
    return 0;
}
catch (Exception error) when (error is PartnerException or InvalidOperationException)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}

/// <summary>What stands on the wire.</summary>
static class Wire
{
    /// <summary>The JWT (HS256) that opens a session.</summary>
    public static string Assertion(string clientId, byte[] encryptionKey, long now, byte[] clientNonce)
    {
        var header = new JsonObject { ["alg"] = "HS256", ["typ"] = "JWT", ["kid"] = clientId };
        var claims = new JsonObject
        {
            ["iss"] = clientId,
            ["aud"] = "pratique-partner",
            ["iat"] = now,
            ["exp"] = now + 300,
            ["jti"] = Encode(clientNonce),
        };
        var signed = $"{EncodeJson(header)}.{EncodeJson(claims)}";
        var key = Derive(encryptionKey, "pratique partner v1 authenticate", []);
        return $"{signed}.{Encode(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(signed)))}";
    }

    /// <summary>A compact JWE (alg dir, enc A256GCM). Never use an IV twice: 12 fresh random bytes a message.</summary>
    public static string Seal(string plaintext, byte[] key, string sessionId, string method, long now, byte[] iv)
    {
        var protectedHeader = EncodeJson(new JsonObject
        {
            ["alg"] = "dir",
            ["enc"] = "A256GCM",
            ["kid"] = sessionId,
            ["iat"] = now,
            ["method"] = method,
        });
        var content = Encoding.UTF8.GetBytes(plaintext);
        var ciphertext = new byte[content.Length];
        var tag = new byte[16];
        using var cipher = new AesGcm(key, tag.Length);
        cipher.Encrypt(iv, content, ciphertext, tag, Encoding.ASCII.GetBytes(protectedHeader));
        return $"{protectedHeader}..{Encode(iv)}.{Encode(ciphertext)}.{Encode(tag)}";
    }

    /// <summary>What a JWE holds. Refuses everything that is not exactly what this session and call expect.</summary>
    public static string Open(string compact, byte[] key, string sessionId, string method)
    {
        var pieces = compact.Split('.');
        if (pieces.Length != 5 || pieces[1] != "") throw new CryptographicException("This is no JWE of the partner API.");
        var header = JsonNode.Parse(Decode(pieces[0])) as JsonObject;
        byte[] iv = Decode(pieces[2]), ciphertext = Decode(pieces[3]), tag = Decode(pieces[4]);
        var right = header is { Count: 5 }
            && (string?)header["alg"] == "dir" && (string?)header["enc"] == "A256GCM"
            && (string?)header["kid"] == sessionId && (string?)header["method"] == method
            && header["iat"]?.GetValueKind() == JsonValueKind.Number && iv.Length == 12 && tag.Length == 16;
        if (!right) throw new CryptographicException("The JWE is not of this call.");
        var plaintext = new byte[ciphertext.Length];
        using var cipher = new AesGcm(key, tag.Length);
        // Throws AuthenticationTagMismatchException if it was not sealed with this key.
        cipher.Decrypt(iv, ciphertext, tag, plaintext, Encoding.ASCII.GetBytes(pieces[0]));
        return Encoding.UTF8.GetString(plaintext);
    }

    /// <summary>32 bytes of HKDF-SHA256 (RFC 5869).</summary>
    public static byte[] Derive(byte[] encryptionKey, string info, byte[] salt) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, encryptionKey, 32, salt, Encoding.UTF8.GetBytes(info));

    public static string EncodeJson(JsonObject value) => Encode(Encoding.UTF8.GetBytes(value.ToJsonString()));

    /// <summary>base64url without padding. (.NET 9 has it as System.Buffers.Text.Base64Url.)</summary>
    public static string Encode(byte[] content) =>
        Convert.ToBase64String(content).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    public static byte[] Decode(string text)
    {
        var padded = text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - text.Length % 4) % 4);
        return Convert.FromBase64String(padded);
    }
}

/// <summary>The server refused; Code is one of the documented table.</summary>
sealed class PartnerException(int status, string code, string message, string field)
    : Exception($"{code}: {message}" + (field == "" ? "" : $" (field {field})"))
{
    public int Status { get; } = status;
    public string Code { get; } = code;
    public string Field { get; } = field;

    public static PartnerException Of(int status, JsonNode? error) => new(
        status,
        (string?)error?["code"] ?? $"HTTP_{status}",
        (string?)error?["message"] ?? "The answer did not come from the partner API.",
        (string?)error?["field"] ?? "");

    /// <summary>The error of an answer that is not sealed: there was no session, or a proxy answered.</summary>
    public static PartnerException Plain(int status, string body)
    {
        try
        {
            return Of(status, (JsonNode.Parse(body) as JsonObject)?["error"]);
        }
        catch (JsonException)
        {
            return Of(status, null);
        }
    }
}

/// <summary>One client id. It opens a session when it needs one and opens another when that one has ended.</summary>
sealed class Partner
{
    private readonly HttpClient _http = new(new HttpClientHandler { AllowAutoRedirect = false })
    {
        Timeout = TimeSpan.FromSeconds(30),
    };
    private readonly string _clientId;
    private readonly byte[] _encryptionKey;
    private readonly Stopwatch _age = new();
    private double _lifetime;
    private string _sessionId = "";
    private byte[] _requestKey = [], _responseKey = [];

    public string Url { get; }

    public Partner(string url, string clientId, string key)
    {
        Url = url.TrimEnd('/');
        _clientId = clientId;
        _encryptionKey = Wire.Decode(key);
        if (_encryptionKey.Length != 32) throw new InvalidOperationException("The key must be 32 bytes: 43 characters of base64url.");
    }

    /// <summary>Make one call with a fresh nonce and return its answer.</summary>
    public async Task<JsonObject> Call(string method, JsonObject fields)
    {
        if (_age.Elapsed.TotalSeconds >= _lifetime) await Authenticate();
        try
        {
            return await CallOnce(method, fields);
        }
        catch (PartnerException error) when (error.Code == "NOT_AUTHENTICATED")
        {
            await Authenticate(); // the session has ended, or the key was rotated: once more
            return await CallOnce(method, fields);
        }
    }

    /// <summary>Open a session and derive its two keys.</summary>
    public async Task Authenticate()
    {
        var clientNonce = RandomNumberGenerator.GetBytes(16);
        var told = Wire.Assertion(_clientId, _encryptionKey, Now(), clientNonce);
        var request = new JsonObject { ["assertion"] = told }.ToJsonString();
        var (status, _, body) = await Post("authenticate", "application/json", request);
        if (status != 200) throw PartnerException.Plain(status, body);
        var answer = JsonNode.Parse(body)!.AsObject();
        _sessionId = (string)answer["sessionId"]!;
        _lifetime = (int)answer["expiresIn"]! - 30;
        _age.Restart();
        byte[] salt = [.. clientNonce, .. Wire.Decode((string)answer["serverNonce"]!)];
        _requestKey = Wire.Derive(_encryptionKey, $"pratique partner v1 request {_sessionId}", salt);
        _responseKey = Wire.Derive(_encryptionKey, $"pratique partner v1 response {_sessionId}", salt);
    }

    private async Task<JsonObject> CallOnce(string method, JsonObject fields)
    {
        var sent = fields.DeepClone().AsObject();
        sent["nonce"] = $"{DateTime.UtcNow.Ticks}-{Convert.ToHexString(RandomNumberGenerator.GetBytes(8))}";
        var iv = RandomNumberGenerator.GetBytes(12);
        var request = Wire.Seal(sent.ToJsonString(), _requestKey, _sessionId, method, Now(), iv);
        var (status, kind, body) = await Post(method, "application/jose", request);
        if (kind != "application/jose") throw PartnerException.Plain(status, body);
        var answer = JsonNode.Parse(Wire.Open(body, _responseKey, _sessionId, method))!.AsObject();
        return status == 200 ? answer : throw PartnerException.Of(status, answer["error"]);
    }

    private async Task<(int Status, string Kind, string Body)> Post(string name, string kind, string body)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = new MediaTypeHeaderValue(kind);
        using var answer = await _http.PostAsync($"{Url}/partner/v1/{name}", content);
        var told = answer.Content.Headers.ContentType?.MediaType ?? "";
        return ((int)answer.StatusCode, told, await answer.Content.ReadAsStringAsync());
    }

    private static long Now() => DateTimeOffset.UtcNow.ToUnixTimeSeconds();
}

static class Example
{
    /// <summary>Create an example student, sign them in, set their tracker, and read back.</summary>
    public static async Task Show()
    {
        var partner = new Partner(Setting("URL"), Setting("CLIENT_ID"), Setting("KEY"));
        string code = Setting("PACKAGE"), tracker = Setting("TRACKER", ""), vendorKey = Setting("VENDOR_KEY", "example-csharp-1");

        var created = await partner.Call("createUser", new JsonObject
        {
            ["username"] = "amagnus",
            ["vendorKey"] = vendorKey,
            ["firstName"] = "Albert",
            ["lastName"] = "Magnus",
            ["phone"] = "919-555-0117",
            ["email"] = "albert.magnus@example.edu",
            ["dateOfBirthString"] = "03/22/2008",
            ["registrationCode"] = code,
        });
        Console.WriteLine($"createUser: username {created["username"]}");

        // From now on these two name the student. Keep the account token beside the student in your system.
        JsonObject Student(params (string Name, string Value)[] more)
        {
            var fields = new JsonObject { ["accountToken"] = (string)created["accountToken"]!, ["vendorKey"] = vendorKey };
            foreach (var (name, value) in more) fields[name] = value;
            return fields;
        }

        var token = (await partner.Call("secureToken", Student()))["secureToken"];
        if (tracker != "")
        {
            await partner.Call("setTracker", Student(("code", code), ("trackerName", tracker)));
            Console.WriteLine($"setTracker: {tracker}");
        }
        var user = await partner.Call("getUser", Student(("code", code)));
        Console.WriteLine($"getUser: {user["trackerName"]}, {user["numComplete"]} of {user["numItems"]} complete");
        var counts = await partner.Call("getPackageCounts", new JsonObject { ["code"] = code });
        Console.WriteLine($"getPackageCounts: {counts["packageDetails"]!.AsArray().Count} students");
        Console.WriteLine($"Send the student's browser here, once, within minutes: {partner.Url}/sso/{token}");
    }

    /// <summary>Recompute every published vector; the first difference ends the program with status 1.</summary>
    public static void Check(string path)
    {
        var vectors = JsonNode.Parse(File.ReadAllText(path))!;
        JsonNode phase1 = vectors["authenticate"]!, phase2 = vectors["session"]!;
        var key = Wire.Decode(Text(vectors, "encryption_key_base64url"));
        string id = Text(phase2, "session_id");
        var salt = Convert.FromHexString(Text(phase2, "salt_hex"));
        var requestKey = Wire.Derive(key, Text(phase2, "request_info"), salt);
        var responseKey = Wire.Derive(key, Text(phase2, "response_info"), salt);
        Same("assertion key", Hex(Wire.Derive(key, Text(phase1, "info"), [])), Text(phase1, "assertion_key_hex"));
        var clientNonce = Convert.FromHexString(Text(phase1, "client_nonce_hex"));
        var made = Wire.Assertion(Text(vectors, "client_id"), key, (long)phase1["now"]!, clientNonce);
        Same("assertion", made, Text(phase1, "assertion"));
        Same("request key", Hex(requestKey), Text(phase2, "request_key_hex"));
        Same("response key", Hex(responseKey), Text(phase2, "response_key_hex"));
        foreach (var call in vectors["calls"]!.AsArray())
        {
            JsonNode sent = call!["request"]!, got = call["response"]!;
            var method = Text(call, "method");
            var iv = Convert.FromHexString(Text(sent, "iv_hex"));
            made = Wire.Seal(Text(sent, "plaintext"), requestKey, id, method, (long)sent["iat"]!, iv);
            Same($"{method}, request", made, Text(sent, "jwe"));
            Same($"{method}, response", Wire.Open(Text(got, "jwe"), responseKey, id, method), Text(got, "plaintext"));
        }
        foreach (var wrong in vectors["refused"]!.AsArray().Where(one => Text(one!, "kind") == "request"))
        {
            try
            {
                Wire.Open(Text(wrong!, "token"), requestKey, id, "secureToken");
            }
            catch (CryptographicException)
            {
                continue;
            }
            throw new InvalidOperationException($"DIFFERS: opened, though {Text(wrong!, "why")}");
        }
        Console.WriteLine("All vectors agree.");
    }

    private static string Setting(string name, string? otherwise = null) =>
        Environment.GetEnvironmentVariable($"PRATIQUE_{name}") ?? otherwise
        ?? throw new InvalidOperationException($"Set PRATIQUE_{name} in the environment.");

    private static string Text(JsonNode node, string name) => (string)node[name]!;

    private static string Hex(byte[] content) => Convert.ToHexString(content).ToLowerInvariant();

    private static void Same(string name, string made, string published)
    {
        if (made != published) throw new InvalidOperationException($"DIFFERS: {name}\n  made      {made}\n  published {published}");
    }
}
