<?php
// A complete client of the Pratique partner API, in one file to copy from. Needs PHP 8.0 or newer with openssl.
//
//   export PRATIQUE_URL=https://health.example.edu
//   export PRATIQUE_CLIENT_ID=demo_...  PRATIQUE_KEY=...  PRATIQUE_PACKAGE=...  PRATIQUE_TRACKER='Class of 2030'
//   php partner.php                                  # signs one example student in, and reads back
//   php partner.php --check-vectors vectors.json     # compares every byte with the published test vectors
//
// The key belongs on your server, in its store of secrets: never in a browser, an app or a repository.

declare(strict_types=1);

// --- what stands on the wire -----------------------------------------------------------------------------------

/** base64url without padding. */
function encode(string $content): string
{
    return rtrim(strtr(base64_encode($content), '+/', '-_'), '=');
}

function decode(string $text): string
{
    $content = base64_decode(strtr($text, '-_', '+/'), true);
    return $content === false ? throw new InvalidArgumentException('This is not base64url.') : $content;
}

function compact_json(array $value): string
{
    return json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
}

/** 32 bytes of HKDF-SHA256 (RFC 5869). */
function derive(string $encryptionKey, string $info, string $salt = ''): string
{
    return hash_hkdf('sha256', $encryptionKey, 32, $info, $salt);
}

/** The JWT (HS256) that opens a session. */
function assertion(string $clientId, string $encryptionKey, int $now, string $clientNonce): string
{
    $header = ['alg' => 'HS256', 'typ' => 'JWT', 'kid' => $clientId];
    $claims = [
        'iss' => $clientId,
        'aud' => 'pratique-partner',
        'iat' => $now,
        'exp' => $now + 300,
        'jti' => encode($clientNonce),
    ];
    $signed = encode(compact_json($header)) . '.' . encode(compact_json($claims));
    $key = derive($encryptionKey, 'pratique partner v1 authenticate');
    return $signed . '.' . encode(hash_hmac('sha256', $signed, $key, true));
}

/** A compact JWE (alg dir, enc A256GCM). Never use an IV twice: 12 fresh random bytes a message. */
function seal(string $plaintext, string $key, string $sessionId, string $method, int $now, string $iv): string
{
    $header = ['alg' => 'dir', 'enc' => 'A256GCM', 'kid' => $sessionId, 'iat' => $now, 'method' => $method];
    $protected = encode(compact_json($header));
    $tag = '';
    $ciphertext = openssl_encrypt($plaintext, 'aes-256-gcm', $key, OPENSSL_RAW_DATA, $iv, $tag, $protected, 16);
    return implode('.', [$protected, '', encode($iv), encode($ciphertext), encode($tag)]);
}

/** What a JWE holds. Refuses everything that is not exactly what this session and call expect. */
function open_sealed(string $compact, string $key, string $sessionId, string $method): string
{
    $pieces = explode('.', $compact);
    if (count($pieces) !== 5 || $pieces[1] !== '') {
        throw new UnexpectedValueException('This is no JWE of the partner API.');
    }
    [$header, , $iv, $ciphertext, $tag] = array_map('decode', $pieces);
    $told = json_decode($header, true, 8, JSON_THROW_ON_ERROR);
    $right = ($told['alg'] ?? '') === 'dir' && ($told['enc'] ?? '') === 'A256GCM'
        && ($told['kid'] ?? '') === $sessionId && ($told['method'] ?? '') === $method
        && is_int($told['iat'] ?? null) && count($told) === 5
        && strlen($iv) === 12 && strlen($tag) === 16; // PHP would take a shorter tag
    if (!$right) {
        throw new UnexpectedValueException('The JWE is not of this call.');
    }
    $plaintext = openssl_decrypt($ciphertext, 'aes-256-gcm', $key, OPENSSL_RAW_DATA, $iv, $tag, $pieces[0]);
    if ($plaintext === false) {
        throw new UnexpectedValueException("The JWE was not sealed with this session's key.");
    }
    return $plaintext;
}

// --- the client ------------------------------------------------------------------------------------------------

/** The server refused; errorCode is one of the documented table. */
final class PartnerError extends RuntimeException
{
    public function __construct(public int $status, public string $errorCode, string $text, public string $field = '')
    {
        parent::__construct("$errorCode: $text" . ($field === '' ? '' : " (field $field)"));
    }

    /** The error of an answer that is not sealed: there was no session, or a proxy answered. */
    public static function plain(int $status, string $body): self
    {
        return self::of($status, json_decode($body, true)['error'] ?? null);
    }

    public static function of(int $status, mixed $error): self
    {
        $error = is_array($error) ? $error : [];
        $message = $error['message'] ?? 'The answer did not come from the partner API.';
        return new self($status, $error['code'] ?? "HTTP_$status", $message, $error['field'] ?? '');
    }
}

/** One client id. It opens a session when it needs one and opens another when that one has ended. */
final class Partner
{
    public string $url;
    private string $encryptionKey;
    private string $sessionId = '';
    private int $sessionEnds = 0; // by the monotonic clock, in seconds
    private string $requestKey = '';
    private string $responseKey = '';

    public function __construct(string $url, private string $clientId, #[SensitiveParameter] string $key)
    {
        $this->url = rtrim($url, '/');
        $this->encryptionKey = decode($key);
        if (strlen($this->encryptionKey) !== 32) {
            throw new InvalidArgumentException('The key must be 32 bytes: 43 characters of base64url.');
        }
    }

    /** Make one call with a fresh nonce and return its answer. */
    public function call(string $method, array $fields): array
    {
        if (hrtime()[0] >= $this->sessionEnds) {
            $this->authenticate();
        }
        try {
            return $this->callOnce($method, $fields);
        } catch (PartnerError $error) {
            if ($error->errorCode !== 'NOT_AUTHENTICATED') {
                throw $error;
            }
            $this->authenticate(); // the session has ended, or the key was rotated: once more
            return $this->callOnce($method, $fields);
        }
    }

    /** Open a session and derive its two keys. */
    public function authenticate(): void
    {
        $clientNonce = random_bytes(16);
        $told = assertion($this->clientId, $this->encryptionKey, time(), $clientNonce);
        $request = compact_json(['assertion' => $told]);
        [$status, , $body] = $this->post('authenticate', 'application/json', $request);
        if ($status !== 200) {
            throw PartnerError::plain($status, $body);
        }
        $answer = json_decode($body, true, 8, JSON_THROW_ON_ERROR);
        $id = $this->sessionId = $answer['sessionId'];
        $this->sessionEnds = hrtime()[0] + $answer['expiresIn'] - 30;
        $salt = $clientNonce . decode($answer['serverNonce']);
        $this->requestKey = derive($this->encryptionKey, "pratique partner v1 request $id", $salt);
        $this->responseKey = derive($this->encryptionKey, "pratique partner v1 response $id", $salt);
    }

    private function callOnce(string $method, array $fields): array
    {
        $fields['nonce'] = hrtime(true) . '-' . bin2hex(random_bytes(8));
        $plaintext = compact_json($fields);
        $sealed = seal($plaintext, $this->requestKey, $this->sessionId, $method, time(), random_bytes(12));
        [$status, $kind, $body] = $this->post($method, 'application/jose', $sealed);
        if ($kind !== 'application/jose') {
            throw PartnerError::plain($status, $body);
        }
        $opened = open_sealed($body, $this->responseKey, $this->sessionId, $method);
        $answer = json_decode($opened, true, 64, JSON_THROW_ON_ERROR);
        return $status === 200 ? $answer : throw PartnerError::of($status, $answer['error'] ?? null);
    }

    /** PHP's own streams, so that nothing need be installed; certificates are checked by default. */
    private function post(string $name, string $kind, string $body): array
    {
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => "Content-Type: $kind\r\nConnection: close\r\n",
            'content' => $body,
            'ignore_errors' => true,
            'follow_location' => 0,
            'timeout' => 30,
        ]]);
        $answer = @file_get_contents("$this->url/partner/v1/$name", false, $context);
        if ($answer === false) {
            throw new RuntimeException('The server did not answer.');
        }
        $kind = '';
        foreach ($http_response_header as $line) {
            if (stripos($line, 'content-type:') === 0) {
                $kind = trim(explode(';', substr($line, 13))[0]);
            }
        }
        return [(int) explode(' ', $http_response_header[0])[1], $kind, $answer];
    }
}

// --- two things to do with it ----------------------------------------------------------------------------------

function setting(string $name, ?string $otherwise = null): string
{
    $value = getenv($name);
    return $value === false ? $otherwise ?? throw new RuntimeException("Set $name in the environment.") : $value;
}

/** Create an example student, sign them in, set their tracker, and read back. */
function show(): void
{
    $partner = new Partner(setting('PRATIQUE_URL'), setting('PRATIQUE_CLIENT_ID'), setting('PRATIQUE_KEY'));
    $code = setting('PRATIQUE_PACKAGE');
    $tracker = setting('PRATIQUE_TRACKER', '');
    $vendorKey = setting('PRATIQUE_VENDOR_KEY', 'example-php-1');

    $created = $partner->call('createUser', [
        'username' => 'amagnus',
        'vendorKey' => $vendorKey,
        'firstName' => 'Albert',
        'lastName' => 'Magnus',
        'phone' => '919-555-0117',
        'email' => 'albert.magnus@example.edu',
        'dateOfBirthString' => '03/22/2008',
        'registrationCode' => $code,
    ]);
    echo "createUser: username {$created['username']}\n";

    // From now on these two name the student. Keep the account token beside the student in your system.
    $student = ['accountToken' => $created['accountToken'], 'vendorKey' => $vendorKey];
    $token = $partner->call('secureToken', $student)['secureToken'];
    if ($tracker !== '') {
        $partner->call('setTracker', $student + ['code' => $code, 'trackerName' => $tracker]);
        echo "setTracker: $tracker\n";
    }
    $user = $partner->call('getUser', $student + ['code' => $code]);
    echo "getUser: {$user['trackerName']}, {$user['numComplete']} of {$user['numItems']} complete\n";
    $rows = $partner->call('getPackageCounts', ['code' => $code])['packageDetails'];
    echo 'getPackageCounts: ', count($rows), " students\n";
    echo "Send the student's browser here, once, within minutes: {$partner->url}/sso/$token\n";
}

/** Recompute every published vector; the first difference ends the program with status 1. */
function check(string $path): void
{
    $vectors = json_decode(file_get_contents($path), true, 64, JSON_THROW_ON_ERROR);
    ['authenticate' => $phase1, 'session' => $phase2] = $vectors;
    $key = decode($vectors['encryption_key_base64url']);
    $id = $phase2['session_id'];
    $salt = hex2bin($phase2['salt_hex']);
    $requestKey = derive($key, $phase2['request_info'], $salt);
    $responseKey = derive($key, $phase2['response_info'], $salt);
    same('assertion key', bin2hex(derive($key, $phase1['info'])), $phase1['assertion_key_hex']);
    $made = assertion($vectors['client_id'], $key, $phase1['now'], hex2bin($phase1['client_nonce_hex']));
    same('assertion', $made, $phase1['assertion']);
    same('request key', bin2hex($requestKey), $phase2['request_key_hex']);
    same('response key', bin2hex($responseKey), $phase2['response_key_hex']);
    foreach ($vectors['calls'] as ['method' => $method, 'request' => $sent, 'response' => $got]) {
        $made = seal($sent['plaintext'], $requestKey, $id, $method, $sent['iat'], hex2bin($sent['iv_hex']));
        same("$method, request", $made, $sent['jwe']);
        same("$method, response", open_sealed($got['jwe'], $responseKey, $id, $method), $got['plaintext']);
    }
    foreach ($vectors['refused'] as ['kind' => $kind, 'why' => $why, 'token' => $token]) {
        if ($kind !== 'request') {
            continue;
        }
        try {
            open_sealed($token, $requestKey, $id, 'secureToken');
        } catch (UnexpectedValueException) {
            continue;
        }
        throw new RuntimeException("DIFFERS: opened, though $why");
    }
    echo "All vectors agree.\n";
}

function same(string $name, string $made, string $published): void
{
    if ($made !== $published) {
        throw new RuntimeException("DIFFERS: $name\n  made      $made\n  published $published");
    }
}

try {
    ($argv[1] ?? '') === '--check-vectors' ? check($argv[2]) : show();
} catch (Exception $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
