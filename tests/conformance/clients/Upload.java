import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;

/** The ways in which Java's own client sends a picture: it prints the answers' labels, as JSON. */
public class Upload {
  public static void main(String[] arguments) throws Exception {
    URI address = URI.create(arguments[0] + "/predict");
    Path path = Path.of(arguments[1]);
    String name = "Content-Disposition: form-data; name=\"file\"; filename=\"eight.png\"\r\n";
    String length = "Content-Length: " + Files.size(path) + "\r\n";
    Map<String, BodyPublisher> bodies = new TreeMap<>();
    bodies.put("multipart/form-data; boundary=b", form(name, path));
    bodies.put("multipart/form-data;charset=UTF-8;boundary=b", form(name + length, path));
    bodies.put("image/png", BodyPublishers.ofFile(path));
    bodies.put("application/octet-stream", BodyPublishers.ofInputStream(() -> open(path)));
    StringJoiner told = new StringJoiner(", ", "{", "}");
    HttpClient client = HttpClient.newHttpClient(); // it offers HTTP/2 (h2c), as it always does
    for (Map.Entry<String, BodyPublisher> body : bodies.entrySet()) {
      HttpRequest.Builder request = HttpRequest.newBuilder(address);
      request.header("Content-Type", body.getKey()).POST(body.getValue());
      String answer = client.send(request.build(), BodyHandlers.ofString()).body();
      told.add("\"" + body.getKey() + "\": " + answer);
    }
    System.out.println(told);
  }

  private static BodyPublisher form(String head, Path path) throws Exception {
    ByteArrayOutputStream form = new ByteArrayOutputStream();
    form.writeBytes(("--b\r\n" + head + "Content-Type: image/png\r\n\r\n").getBytes());
    form.writeBytes(Files.readAllBytes(path));
    form.writeBytes("\r\n--b--\r\n".getBytes());
    return BodyPublishers.ofByteArray(form.toByteArray());
  }

  private static java.io.InputStream open(Path path) {
    try {
      return Files.newInputStream(path);
    } catch (java.io.IOException error) {
      throw new java.io.UncheckedIOException(error);
    }
  }
}
